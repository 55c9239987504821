"""A pipeline's plugins put together: made one by one, then checked that they make a run."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sparq_core import hookspecs
from sparq_core.contract.config import ROLES, Pipeline
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.sampling import Sampling
from sparq_core.ledger.dataset_columns import COLUMNS
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member, build, hooks_of, load_class
from sparq_core.pipeline.file import given
from sparq_core.pipeline.guards import NO_DROPOUT
from sparq_core.pipeline.settings import marked

Spec = Callable[..., Any]
GENERATING = (hookspecs.select, hookspecs.propose)
"""Hooks that nobody needs to answer in a pipeline of no rounds."""


def load_cast(pipeline: Pipeline, base: Path) -> Cast:
    """
    Load every plugin a pipeline names and check that together they make a run.

    `base` is the folder relative paths start from. PipelineError for whatever does not fit.
    """
    members = _models(pipeline, base)
    for i, entry in enumerate(pipeline.plugins):
        member = build(entry.use, entry.options, f"plugins[{i}]", base, without=entry.without)
        twins = sum(m.name.partition("#")[0] == member.name for m in members)
        members.append(replace(member, name=f"{member.name}#{twins + 1}") if twins else member)
    members += _default_assess(members, base)
    _check_owners(members, needed=[spec for spec in hookspecs.NEEDED if pipeline.rounds or spec not in GENERATING])
    _check_training(pipeline, members)
    _check_models(pipeline, members)
    _check_roles(pipeline, members)
    _check_trainable(pipeline, members)
    _check_dropout(pipeline, members)
    _check_descriptors(pipeline, members)
    cast = Cast(members)
    if cast.owner(hookspecs.policy):
        cast.decide()
    return cast


def load_graders(pipeline: Pipeline, base: Path) -> Cast:
    """The plugins of a pipeline that say what attempts are worth, alone: those that verify, assess or decide how many."""
    members = _answering(pipeline, base, hookspecs.verify, hookspecs.assess, hookspecs.policy)
    members += _default_assess(members, base)
    _check_owners(members, needed={hookspecs.verify})
    return Cast(members)


def load_describers(pipeline: Pipeline, base: Path) -> Cast:
    """The plugins of a pipeline that describe problems, and its models; PipelineError where none does."""
    members = _answering(pipeline, base, hookspecs.describe)
    if not members:
        raise PipelineError("plugins: none of them describes problems, so there are no labels; add one, e.g. skills")
    models = _models(pipeline, base)
    _check_models(pipeline, models)
    _check_roles(pipeline, members)
    return Cast([*models, *members])


def _answering(pipeline: Pipeline, base: Path, *specs: Spec) -> list[Member]:
    """The plugins of a pipeline that answer one of these hooks."""
    hooks = {spec.__name__ for spec in specs}
    return [
        build(entry.use, entry.options, f"plugins[{i}]", base, without=entry.without)
        for i, entry in enumerate(pipeline.plugins)
        if (hooks & set(hooks_of(load_class(entry.use, f"plugins[{i}]", base)[0]))) - set(entry.without)
    ]


def _models(pipeline: Pipeline, base: Path) -> list[Member]:
    return [
        replace(build(model.use, model.options, f"models.{name}", base), name=f"models.{name}")
        for name, model in pipeline.models.items()
    ]


def alone(use: str, settings: Sequence[str], spec: Spec, example: str, base: Path) -> tuple[Member, Cast]:
    """One plugin outside a run, with `name=value` settings; PipelineError where it does not answer the hook."""
    member = build(use, given(settings, "--option"), "--use", base, given_by="--option")
    if not member.answers(spec):
        raise PipelineError(f"--use {use}: it does not implement '{spec.__name__}'; e.g. {example} does")
    return member, Cast([member])


def _default_assess(members: Sequence[Member], base: Path) -> list[Member]:
    """The band, where no plugin assesses."""
    if any(member.answers(hookspecs.assess) for member in members):
        return []
    return [build("band", {}, f"{hookspecs.assess.__name__} (by default)", base)]


def _check_owners(members: Sequence[Member], needed: Collection[Spec] = hookspecs.NEEDED) -> None:
    for spec in hookspecs.ONE_OWNER:
        owners = [member for member in members if member.answers(spec)]
        if len(owners) > 1:
            names = " and ".join(f"'{m.name}' ({m.place})" for m in owners)
            raise PipelineError(f"only one plugin may implement '{spec.__name__}', found {names}; remove one")
    for spec in needed:
        if not any(member.answers(spec) for member in members):
            raise PipelineError(
                f"plugins: none of them implements '{spec.__name__}'; add one, e.g. {hookspecs.NEEDED[spec]}"
            )
    trains, curates = (any(m.answers(spec) for m in members) for spec in (hookspecs.train, hookspecs.curate))
    if trains and not curates:
        raise PipelineError("plugins: one implements 'train' but none 'curate'; add one, e.g. curate-band")


def _check_training(pipeline: Pipeline, members: Sequence[Member]) -> None:
    """PipelineError where the seeds are to be trained on and nothing trains."""
    if pipeline.train.seeds and not any(member.answers(hookspecs.train) for member in members):
        raise PipelineError("train.seeds: no plugin implements 'train'; add one, e.g. sft, or omit train.seeds")


def _check_models(pipeline: Pipeline, members: Sequence[Member]) -> None:
    for member in members[: len(pipeline.models)]:
        if not member.answers(hookspecs.sampler):
            raise PipelineError(
                f"{member.place}.use: plugin '{_use(member, pipeline)}' is not a sampler; e.g. hf is one"
            )
    roles = pipeline.cast_of_roles()
    for role, model in roles.items():
        if model not in pipeline.models:
            raise PipelineError(f"roles.{role}: no model is named '{model}'; {nearest(model, pipeline.models)}")
    name = pipeline.train.model
    if name is not None and name not in pipeline.models:
        raise PipelineError(f"train.model: no model is named '{name}'; {nearest(name, pipeline.models)}")


def _check_trainable(pipeline: Pipeline, members: Sequence[Member]) -> None:
    """PipelineError where training starts from, or its weights are served by, what has no local weights."""
    if not any(member.answers(hookspecs.train) for member in members):
        return
    trained, updated = pipeline.trained(), pipeline.updated()
    for member in members[: len(pipeline.models)]:
        name = member.name.removeprefix("models.")
        if getattr(member.plugin, "trainable", False) or name not in {trained, *updated.values()}:
            continue
        what = "cannot be trained" if name == trained else "cannot play what is trained, as train.updates has it"
        raise PipelineError(
            f"{member.place}: a model served by '{_use(member, pipeline)}' {what}; omit the plugin that implements 'train', "
            f"or serve {name} from local weights (use: hf)"
        )


def _check_dropout(pipeline: Pipeline, members: Sequence[Member]) -> None:
    """PipelineError where tokens are to be left out by a sampler that would not."""
    plugins = {member.name.removeprefix("models."): member for member in members[: len(pipeline.models)]}
    asked = [("attempts", "solver")] if pipeline.attempts.dropout else []
    for member in members:
        if isinstance(member.config, Sampling) and member.config.dropout:
            asked += [(f"{member.place}.with", role) for _, role in marked(member.config, "role")]
    for place, role in asked:
        member = plugins[pipeline.cast_of_roles()[role]]
        if not getattr(member.plugin, "dropout", False):
            raise PipelineError(f"{place}.dropout: {NO_DROPOUT.format(use=_use(member, pipeline))}")


def _check_roles(pipeline: Pipeline, members: Sequence[Member]) -> None:
    roles = pipeline.cast_of_roles()
    asked = [("roles", "solver"), *(("train.updates", role) for role in pipeline.train.updates)]
    for member in members:
        asked += [(f"{member.place}.with.{option}", role) for option, role in marked(member.config, "role")]
    known = {*ROLES, *(role for _, role in asked)}
    for role in pipeline.roles:
        if role not in known:
            raise PipelineError(f"roles.{role}: no plugin uses this role; {nearest(role, sorted(known))}")
    for place, role in asked:
        if role not in roles:
            raise PipelineError(f"{place}: no model plays the role '{role}'; add it to roles ({nearest(role, roles)})")


def _check_descriptors(pipeline: Pipeline, members: Sequence[Member]) -> None:
    """PipelineError where nothing describes problems by what an option names; a default counts once anything is described."""
    describing = [member for member in members if member.answers(hookspecs.describe)]
    _check_described_once(describing)
    said = [member.describes() for member in describing]
    if None in said:
        return
    known = {key for keys in said for key in keys or ()}
    written = {f"plugins[{i}]": entry.options for i, entry in enumerate(pipeline.plugins)}
    for member in members:
        for option, key in marked(member.config, "descriptor"):
            is_written = option in written.get(member.place, ())
            if key not in known and (known or is_written):
                hint = nearest(key, known) if known else "add a plugin that does, e.g. skills"
                if not is_written:
                    own = f"set its {option}" + (f", such as {{{min(known)}: {{}}}}" if option == "niches" else "")
                    hint = f"that is the default of '{member.name}': {own}, or add a plugin that does; {hint}"
                raise PipelineError(f"{member.place}.with.{option}: no plugin describes problems by '{key}'; {hint}")


def _check_described_once(members: Sequence[Member]) -> None:
    by: dict[str, Member] = {}
    for member in members:
        for key in member.describes() or ():
            if key in COLUMNS:
                raise PipelineError(
                    f"{member.place}: '{member.name}' describes by '{key}', which is a column of the dataset; rename it"
                )
            if (other := by.setdefault(key, member)) is not member:
                raise PipelineError(
                    f"{member.place}: '{member.name}' describes '{key}', and so does '{other.name}'; remove one"
                )


def _use(member: Member, pipeline: Pipeline) -> str:
    return pipeline.models[member.name.removeprefix("models.")].use
