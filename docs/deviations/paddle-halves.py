"""Operations that take half precision on a GPU and have no kernel for it on the CPU."""

import paddle

x = paddle.to_tensor([0.5], dtype="float16")
for f in (paddle.multiply, paddle.atanh):
    try:
        print(f(x, x) if f is paddle.multiply else f(x))
    except RuntimeError as error:
        print(str(error).strip().partition("[Hint")[0][-200:])
