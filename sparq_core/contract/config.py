"""The pipeline file as typed records: core settings are top-level keys, the cast is one list."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from sparq_core.contract.sampling import Sampling

ATTEMPT_PROMPT = """\
{{ problem.statement }}

Please reason step by step, and put your final answer within \\boxed{}."""
ROLES = ("generator", "solver", "labeller")
NAME, MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", r"^\w[\w .+@:-]*\Z"
"""What names a folder: runs, arms, studies; and what names a file, as models do: letters of any script."""
PATTERNS = {NAME: "letters, digits and . _ -", MODEL_NAME: "letters, digits, spaces and . _ + @ : -"}
"""What each allows."""
LONGEST_NAME = 120
MOST = 10**15
"""No count is larger: a run's tokens are fewer by far."""
Positive = Annotated[int, Meta(ge=1, le=MOST)]
"""A count of at least 1."""
NonNegative = Annotated[int, Meta(ge=0, le=MOST)]
"""A count that may be 0."""
Held = Annotated[int, Meta(ge=1, le=10**6)]
"""How many of something are held in memory or begun at once."""
Seed = Annotated[int, Meta(ge=0, le=2**63 - 1)]
ModelName = Annotated[str, Meta(pattern=MODEL_NAME, max_length=LONGEST_NAME)]
Amount = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(gt=0, le=1)]
"""A part of a whole: above 0, at most 1."""
InputFile = Annotated[str, Meta(extra={"sparq": "file"})]
"""
A path in a plugin's config: relative to the pipeline file, must exist, its content is part of the run's identity. The plugin
gets it as an absolute path.

`package:NAME/FILE` is a file that an installed package brings.
"""
FREE = Meta(extra={"sparq": "free"})
"""Marks an option of a plugin that says how a thing is done, not what: it may be another on resume."""
Role = Annotated[str, Meta(extra={"sparq": "role"})]
"""A role in a plugin's config: the pipeline must give it a model."""
Descriptor = Annotated[str, Meta(extra={"sparq": "descriptor"})]
"""A descriptor in a plugin's config, as a value or as the key of a mapping: some plugin must describe problems by it."""


class Prices(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model's tokens cost, in any currency."""

    input: Annotated[float, Meta(ge=0, description="Price of a million prompt tokens.")]
    output: Annotated[float, Meta(ge=0, description="Price of a million sampled tokens.")]


class ModelConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of `models`."""

    use: Annotated[str, Meta(description="The sampler plugin that serves it.")]
    model: Annotated[str, Meta(description="A folder, an installed model's name, a Hub id or a model of an API.")]
    chat_template: Annotated[
        str | None, Meta(description="`plain`, or a Jinja file: replaces the model's own chat template.")
    ] = None
    prices: Annotated[Prices | None, Meta(description="What its tokens cost; without prices, no cost is counted.")] = (
        None
    )
    options: Annotated[Mapping[str, Any], Meta(description="Options of the sampler plugin.")] = field(
        default_factory=dict, name="with"
    )


class AttemptsConfig(Sampling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How problems are attempted."""

    k: Annotated[Held, Meta(description="Attempts at each problem.")] = 16
    prompt: Annotated[str, Meta(description="Template of an attempt; may use `problem`.")] = ATTEMPT_PROMPT
    again: Annotated[
        int,
        Meta(
            ge=0,
            le=10**6,
            description="Further attempts at a problem each time it is a parent, which lower the rank of those that were kept "
            "by luck; 0: none (paper).",
        ),
    ] = 0
    min_decided: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Least share of attempts judged correct or incorrect; below it, a problem is unresolved.",
        ),
    ] = 0.75
    warn_unknown: Annotated[
        float, Meta(ge=0, le=1, description="Share of unknown attempts above which the run warns, once.")
    ] = 0.05
    seeds: Annotated[bool, Meta(description="Also attempt the seeds.")] = False


class TrainConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where training starts, who gets the new weights, and whether the seeds are trained on first."""

    model: Annotated[
        str | None,
        Meta(
            description="The model whose weights training starts from; by default the solver's. Another one is benchmarked as "
            "the base, and once trained takes the place of the solver's weights."
        ),
    ] = None
    start: Annotated[
        Literal["base", "current"],
        Meta(description="Train from the model's original weights, or from the last trained ones."),
    ] = field(default="current", name="from")
    updates: Annotated[
        tuple[str, ...],
        Meta(
            description="Roles that play the trained model afterwards, where the solver's model plays them, or `model`."
        ),
    ] = (
        "solver",
        "generator",
    )
    seeds: Annotated[
        bool,
        Meta(
            description="Before round 1, train the model on the seeds' own solutions; what comes of it plays the roles of "
            "`updates` from then on."
        ),
    ] = False
    seed: Annotated[
        Seed | None,
        Meta(
            description="Random seed of the rounds' trainings; by default the run's `seed`. Others on the same data measure "
            "how much training varies. Training on the seeds always uses the run's `seed`."
        ),
    ] = None


class BudgetConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Stop rules: once one is met no further step begins, and the steps in flight are finished and kept.

    `attempts`, `tokens` and `cost` count what every step begun has drawn, committed or not, so they are exceeded by less than a
    step, however many are in flight. What proposals, judges and labellers in flight take is known once they have taken it.
    """

    kept: Annotated[
        Positive | None, Meta(description="Stop at this many kept problems; the curated set is cut to them.")
    ] = None
    attempts: Annotated[Positive | None, Meta(description="Stop at this many attempts.")] = None
    tokens: Annotated[Positive | None, Meta(description="Stop at this many sampled tokens.")] = None
    cost: Annotated[Amount | None, Meta(description="Stop at this cost, at the prices of the models.")] = None
    hours: Annotated[
        Amount | None, Meta(description="Stop after this much wall time, summed over all sessions of the run.")
    ] = None


class PluginConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of `plugins`: the cast."""

    use: Annotated[str, Meta(description="An installed plugin's name, or `./file.py:Class`.")]
    options: Annotated[Mapping[str, Any], Meta(description="The plugin's options.")] = field(
        default_factory=dict, name="with"
    )
    without: Annotated[
        tuple[str, ...],
        Meta(
            description="Hooks for which it is not asked, such as `load_seeds` where only a domain's verifier is wanted."
        ),
    ] = ()


class Pipeline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole pipeline file."""

    name: Annotated[str, Meta(pattern=NAME, max_length=2 * LONGEST_NAME, description="Names the run folder.")]
    seed: Annotated[Seed, Meta(description="Random seed of the run.")] = 0
    rounds: Annotated[
        int,
        Meta(
            ge=0,
            le=10**6,
            description="Number of times to generate, train and benchmark; 0: only the seeds, trained on if `train.seeds` is "
            "set.",
        ),
    ] = 1
    steps: Annotated[int, Meta(ge=1, le=10**9, description="Mutation batches per round.")]
    batch: Annotated[Held, Meta(description="Parents a step.")] = 64
    in_flight: Annotated[
        Annotated[int, Meta(ge=1, le=10**4)] | Literal["auto"],
        Meta(
            description="Steps executed concurrently; auto, for selectors that use only the seeds: as many as keep the "
            "sampler busy, within a gigabyte of texts."
        ),
    ] = 4
    models: Annotated[
        dict[ModelName, ModelConfig], Meta(min_length=1, description="The models, by names that you choose.")
    ]
    roles: Annotated[
        dict[str, str], Meta(description="Which model plays which role; a single model plays them all.")
    ] = field(default_factory=dict)
    attempts: AttemptsConfig = AttemptsConfig()
    train: TrainConfig = TrainConfig()
    budget: BudgetConfig = BudgetConfig()
    plugins: Annotated[list[PluginConfig], Meta(min_length=1, description="The plugins, in order.")]

    def cast_of_roles(self) -> dict[str, str]:
        """Each role's model: as given, and the only model for the roles left out."""
        if len(self.models) == 1:
            return dict.fromkeys(ROLES, next(iter(self.models))) | self.roles
        return self.roles

    def trained(self) -> str:
        """The name of the model that is trained."""
        return self.train.model or self.cast_of_roles()["solver"]

    def updated(self) -> dict[str, str]:
        """The roles that play the trained weights, each with the model that plays it before."""
        roles = self.cast_of_roles()
        given_up = {roles["solver"], self.trained()}
        return {role: name for role, name in roles.items() if role in self.train.updates and name in given_up}

    def most_attempts(self, steps: int, proposers: int) -> int:
        """What so many steps draw at most: K for each child, and for each parent all K anew, or as many as `again` says."""
        attempts = self.attempts
        each = attempts.k + (max(attempts.k, attempts.again) if attempts.again else 0)
        return steps * self.batch * proposers * each

    @property
    def train_seed(self) -> int:
        """The seed of training: its own, or the run's."""
        return self.seed if self.train.seed is None else self.train.seed
