"""Before PyTorch 2.0 conv_transpose1d in bfloat16 runs as an ordinary convolution, which does not fit: this raises.

It does so on CPUs for which its library has kernels of that dtype."""

import torch

x, weight = torch.ones(2, 3, 4, dtype=torch.bfloat16), torch.ones(3, 2, 3, dtype=torch.bfloat16)
print(torch.nn.functional.conv_transpose1d(x, weight).shape, "is due: 2 rows of 2 channels of length 6")
