"""Operations without a rule for arrays without entries, or for a number's axis 0, of which NumPy takes the sum (MyGrad 2.5)."""

import mygrad
from mygrad.nnet.activations import logsoftmax

empty = mygrad.zeros((2, 0))
for what, program in {
    "logsoftmax of nothing": lambda: logsoftmax(empty),
    "backward of nothing repeated": lambda: mygrad.repeat(empty, 2, axis=0).backward(),
    "backward of the sum of a number": lambda: mygrad.sum(mygrad.tensor(2.0), axis=0).backward(),
}.items():
    try:
        program()
    except Exception as error:
        print(f"{what}: {type(error).__name__}: {error}")
