"""Rarebit: trained long-tailed image classifiers as one int8 file, converted and run.

    import rarebit

    report = rarebit.convert(network, "model.rbit", calibration="images:pictures", input="3x224x224",
                             mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    model = rarebit.Model("model.rbit")
    answer = model(picture)          # uint8 [height, width, 3], RGB
    print(answer.top[0].name, answer.top[0].probability)

`Model` runs librarebit, which gives the bits of the program `rarebit` on a camera board. `convert` and `evaluate` run the
converter, `rarebit-convert`, that the package brings where it was built for the machine.
"""

from ._converter import ConverterError, convert, evaluate
from ._library import RarebitError, version
from ._model import Answer, Answers, Model, Ranked

__all__ = ["Answer", "Answers", "ConverterError", "Model", "Ranked", "RarebitError", "convert", "evaluate"]
__version__ = version()
