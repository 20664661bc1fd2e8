"""The vocabulary: every operation that the tape itself does without, by topic.

Each module is a table: the primal in NumPy and the derivative rule side by side (`define`), or a composition of other
operations (`word`). Importing this package adds the methods to the class of tensors.
"""

from .. import creation
from . import activations as activations
from . import complex as complex
from . import convolution as convolution
from . import decompositions as decompositions
from . import einsum as einsum
from . import elementwise as elementwise
from . import factors as factors
from . import fft as fft
from . import indexing as indexing
from . import layers as layers
from . import linalg as linalg
from . import losses as losses
from . import products as products
from . import random as random
from . import reductions as reductions
from . import selection as selection
from . import shapes as shapes
from . import special_functions as special_functions
from .define import WORDS as WORDS

WORDS.update({name: getattr(creation, name) for name in ["full", "full_like", "eye", "arange", "linspace"]})
