"""Makes the model for ONNX Runtime, and the cases. README.md explains how to run this script."""

import csv
from fractions import Fraction
from pathlib import Path
from random import Random

import onnx
from onnx import TensorProto, helper

HERE = Path(__file__).parent


def make_model() -> onnx.ModelProto:
    """Makes the graph: float32 fahrenheit [batch] to float32 celsius [batch], as TensorFlow's model has it."""
    tensors = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch"]) for name in ("fahrenheit", "celsius")
    }
    constants = [
        helper.make_tensor("thirty_two", TensorProto.FLOAT, [], [32]),
        helper.make_tensor("five_ninths", TensorProto.FLOAT, [], [5 / 9]),
    ]
    nodes = [
        helper.make_node("Sub", ["fahrenheit", "thirty_two"], ["above_freezing"]),
        helper.make_node("Mul", ["above_freezing", "five_ninths"], ["celsius"]),
    ]
    graph = helper.make_graph(nodes, "f2c", [tensors["fahrenheit"]], [tensors["celsius"]], constants)
    # Old versions of the format, so that old runtimes can read it.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def write_cases(file: Path) -> None:
    """Writes temperatures from -100 to 1000 °F, and the nearest 64-bit number to the exact °C of each."""
    random = Random(32)
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["fahrenheit", "celsius"])
        for tenths in random.sample(range(-1000, 10_001), 200):
            fahrenheit = tenths / 10
            writer.writerow([fahrenheit, float((Fraction(fahrenheit) - 32) * Fraction(5, 9))])


if __name__ == "__main__":
    onnx.checker.check_model(make_model())
    onnx.save(make_model(), HERE / "onnx-runtime/model.onnx")
    write_cases(HERE / "temperatures.csv")
