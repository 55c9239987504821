"""sparq_vllm's engine process, whose completions do not end before their length: `python forced_worker.py FD`."""

from vllm import SamplingParams

from sparq_vllm import worker

unforced = worker._params  # noqa: SLF001 -- a benchmark


def forced(ask: worker.Ask) -> SamplingParams:
    params = unforced(ask)
    params.ignore_eos = True
    return params


if __name__ == "__main__":
    worker._params = forced  # noqa: SLF001 -- as above
    worker.main()
