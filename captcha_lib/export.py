"""A trained model as a network in ONNX, which runs without TensorFlow (lesson 10)."""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper


def export_onnx(model):
    """Return a Keras model of images as a network, an onnx.ModelProto.

    Its input is called `image`, (n, 200, 50, 1) in 0..1, its output `probabilities`, (n, 50, 20). Used in lesson 10.
    """
    model.predict_on_batch(np.zeros((1, *model.input_shape[1:])))  # Keras exports what has been called
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras asks NumPy for a name that it will lack
        file = Path(folder, "network.onnx")
        model.export(file, format="onnx", verbose=False)
        network = onnx.load(file)
    graph = network.graph
    names = {graph.input[0].name: "image", graph.output[0].name: "probabilities"}
    for end in (*graph.input, *graph.output):
        end.name = names[end.name]
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    return network


def halve_weights(network):
    """Return a network whose weights are kept in 16 bits, and made 32 again when it is opened.

    Used in lesson 10.
    """
    half = onnx.ModelProto()
    half.CopyFrom(network)
    for weights in half.graph.initializer:
        if weights.data_type == TensorProto.FLOAT:
            name, values = weights.name, numpy_helper.to_array(weights).astype("float16")
            weights.CopyFrom(numpy_helper.from_array(values, f"{name} in 16 bits"))
            cast = onnx.helper.make_node("Cast", [weights.name], [name], to=TensorProto.FLOAT)
            half.graph.node.insert(0, cast)
    return half


def quantise(network, images):
    """Return a network that computes its convolutions, but for the first, with whole numbers of 8 bits.

    `images` (n, 200, 50, 1) of 0..1 show how large the numbers become that flow between them; a few hundred are enough.
    The first convolution takes the image itself and stays as it is. Used in lesson 10.
    """
    from onnxruntime.quantization import QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    network = onnx.ModelProto.FromString(network.SerializeToString())
    add_pre_process_metadata(network)  # else it warns that operations were not merged, which is done at opening
    first, *_ = (node.name for node in network.graph.node if node.op_type == "Conv")
    batches = iter([{"image": batch} for batch in np.array_split(images, -(-len(images) // 32))])
    with TemporaryDirectory() as folder:
        file = Path(folder, "network.onnx")
        quantize_static(
            network,
            file,
            SimpleNamespace(get_next=lambda: next(batches, None)),
            op_types_to_quantize=["Conv", "Relu"],
            nodes_to_exclude=[first],
            activation_type=QuantType.QUInt8,
            per_channel=True,
            reduce_range=True,  # weights of 7 bits: two products fit into 16, with which older processors add them
        )
        return onnx.load(file)
