"""Before PyTorch 2.1 renorm has no forward mode: this raises."""

import torch

print(torch.func.jvp(lambda x: torch.renorm(x, 2, 0, 1.0), (torch.ones(2, 3),), (torch.ones(2, 3),)))
