"""Errors of MindSpore on the CPU where a value or a derivative exists, and a call that never returns."""

import multiprocessing


def hanging() -> None:
    import mindspore as ms
    from mindspore import ops

    print("gradient of log_softmax of a number:", ms.grad(lambda x: ops.log_softmax(x, 0))(ms.Tensor(0.25)))


def raising() -> None:
    import mindspore as ms
    from mindspore import ops

    images = ms.Tensor([[[0.5, -1.0], [0.25, 2.0], [1.0, 1.5]], [[0.0, 1.0], [0.5, 0.5], [2.0, -1.0]]], ms.float64)
    probabilities = ops.softmax(images, 1)
    try:
        print("cross_entropy of probabilities:", ops.cross_entropy(images, probabilities, label_smoothing=0.2))
    except ValueError as error:
        print("cross_entropy of probabilities of pixels:", str(error).splitlines()[0])


if __name__ == "__main__":
    raising()
    process = multiprocessing.get_context("spawn").Process(target=hanging)
    process.start()
    process.join(60)
    if process.is_alive():
        print("the gradient of log_softmax of a number has not ended after 60 s")
        process.kill()
