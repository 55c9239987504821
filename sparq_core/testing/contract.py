"""`check_plugin`: a plugin held to the contract of the hooks it answers."""

import copy
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from sparq_core.contract.errors import SparqError
from sparq_core.contract.records import Problem
from sparq_core.contract.sampling import Sampler
from sparq_core.pipeline.discovery import check_hooks, hooks_of
from sparq_core.pipeline.settings import config_of
from sparq_core.testing.plays import REPLAYED, play
from sparq_core.testing.rehearsal import member
from sparq_core.testing.trials import problem
from sparq_core.testing.untried import check_called

HEAVY = frozenset(
    {
        "accelerate",
        "datasets",
        "jax",
        "lm_eval",
        "math_verify",
        "numpy",
        "openai",
        "pandas",
        "peft",
        "pyarrow",
        "ray",
        "scipy",
        "sklearn",
        "spacy",
        "sympy",
        "tensorflow",
        "torch",
        "transformers",
        "trl",
        "vllm",
    }
)
"""Packages that take long to import; `sparq plugins` and `sparq --help` must not wait for them."""
UNLISTED = re.compile(r"__main__|sparq_local_\w+|(.*\.)?(test_\w+|conftest)")
"""Modules of scripts, of one-file plugins and of tests: nobody imports them to list what is installed."""

_IMPORTER = """
import importlib, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""


def check_plugin(
    plugin: object,
    *,
    problems: Sequence[Problem] = (),
    sampler: Sampler | None = None,
    model: str | None = None,
    skip: Collection[str] = (),
) -> None:
    """
    Hold a plugin to the contract of the hooks it answers; AssertionError names what is broken.

    It is started and stopped as a run does it, and played real trials: right and wrong answers, none, an empty text, one cut
    short, a long one, other alphabets, a problem without a reference answer. Where it asks a model, it meets ones that say
    nothing, refuse, are cut short or babble. Answers must be those the contract allows, one for each item where the hook has
    it so, the same again for the same input, also where several threads ask at once, and leave the input as it was. A second
    one of its kind, which is told what the first was told in a run, must answer as it did: so resumed runs go on. So must one
    that loads the state that the first has saved, where the plugin has `save_state` and `load_state`.

    Hooks must be marked, options be a record that another process can be handed, and nothing heavy be imported before `start`.

    A UserWarning says what was not tried: a verifier that judged no attempt correct, a proposer that could read nothing of what
    its model wrote. It names the argument that would change that.

    - `problems` of your own, with the `extra` that your domain needs, are played in place of the built-in ones.
    - `sampler` answers what the plugin asks a model.
    - `model` is a model's folder or name. The hooks `sampler`, `train` and `benchmark` are called only with it; a plugin that
      answers one of them fails without.
    - `skip` names those of the three that may be left uncalled where there is no `model`, since other tests call them.
    """
    assert not isinstance(plugin, type), f"give an object, not the class {plugin.__name__}"
    kind = type(plugin)
    played = list(problems) or [problem(i, solution=f"\\boxed{{{i + 1}}}") for i in range(3)]
    try:
        check_hooks(kind, kind.__name__, "check_plugin")
        if model is None:
            check_called(hooks_of(kind), skip)
        config = _picklable_config(plugin)
        _check_light(kind)
        others = [_another(plugin, config) for _ in range(2)] if member(plugin).answers(*REPLAYED) else []
        untried = play(plugin, others, played, sampler, model)
    except SparqError as error:
        raise AssertionError(str(error)) from error.__cause__
    for what in untried:
        warnings.warn(f"check_plugin({kind.__name__}): {what}", stacklevel=2)


def _picklable_config(plugin: object) -> Struct | None:
    """Its options, where they are an attribute of it."""
    kind = config_of(type(plugin), "check_plugin")
    if kind is None:
        return None
    config = next((value for value in getattr(plugin, "__dict__", {}).values() if isinstance(value, kind)), None)
    try:
        same = pickle.loads(pickle.dumps(kind if config is None else config))  # noqa: S301 -- our own
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(
            f"{kind.__name__}, the options of {type(plugin).__name__}, cannot be handed to another process: {error}; define "
            "the record at the top of a module, of plain values"
        ) from error
    assert same == (config or kind), f"{config!r} is another after it was pickled: {same!r}"
    return config


def _check_light(kind: type) -> None:
    """AssertionError where a module that was imported to have the plugin brings anything heavy along."""
    if UNLISTED.fullmatch(kind.__module__):
        return
    done = subprocess.run(  # noqa: S603 -- this interpreter, on a module that is imported here already
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{_IMPORTER}", kind.__module__],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, f"{kind.__module__} cannot be imported by a process of its own:\n{done.stderr}"
    heavy = sorted(HEAVY & set(done.stdout.split()))
    assert not heavy, (
        f"importing {kind.__module__} imports {', '.join(heavy)}; import it in `start`, or where it is used"
    )


def _another(plugin: object, config: Struct | None) -> object:
    """A plugin of the same kind that has not been asked anything."""
    kind: Callable[..., object] = type(plugin)
    if config is not None:
        return kind(config)
    if config_of(type(plugin), "check_plugin") is None and not getattr(plugin, "__dict__", None):
        return kind()
    try:
        return copy.deepcopy(plugin)
    except TypeError as error:
        raise AssertionError(
            f"there is no second {type(plugin).__name__} to be had, as a resumed run makes one: {error}; keep the "
            "options as an attribute of the plugin"
        ) from error
