"""
A dataset or a model on the Hub: what would be sent, what is there, and the one commit that brings it there.

The token is the one that the Hub's own client finds (HF_TOKEN, or its login); it is never shown.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sparq_core.contract.errors import PipelineError, SparqError
from sparq_core.contract.messages import raised
from sparq_core.contract.weights import weights_files
from sparq_core.ledger.storage import DATABASE
from sparq_core.publish.export import README, Order, export, is_name_of_ours
from sparq_core.publish.markdown import is_text_of_ours

Kind = Literal["dataset", "model"]
_MADE_BY_THE_HUB = {".gitattributes"}
SECONDS = 30.0
"""How long the Hub may take to say what is there."""


class Parcel(NamedTuple):
    """What is to be sent."""

    kind: Kind
    folder: Path
    files: list[str]
    """By their names in the folder and in the repository."""

    def size(self, name: str) -> int:
        """Bytes of one of the files."""
        return (self.folder / name).stat().st_size


class Target(NamedTuple):
    """A repository as it is on the Hub."""

    repo: str
    """With its owner."""
    private: bool | None
    """None where there is none yet."""
    head: str | None
    """Its last commit."""
    files: list[str]


def dataset_parcel(source: Path, scratch: Path, repo: str, licence: str | None) -> Parcel:
    """The dataset of a run folder, which is exported into `scratch`, or a folder that was exported before."""
    if (source / DATABASE).is_file():
        export(Order(runs=[source], kind="parquet", licence=licence, known_as=repo), f"{scratch}/dataset/")
        source = scratch / "dataset"
    elif licence:
        raise PipelineError(
            f"{source}: is already exported; name its licence in {README}, or with `sparq export --license`"
        )
    files = sorted(p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_symlink() or not p.is_dir())
    if README not in files or not all(map(is_name_of_ours, files)):
        raise PipelineError(f"{source}: is neither a run folder nor a folder written by `sparq export --to FOLDER`")
    return Parcel("dataset", source, files)


def model_parcel(run: Path, name: str) -> Parcel:
    """The model of a run in `models/NAME`, with its card and without what else lies there."""
    folder = run / "models" / name
    known = sorted(path.name for path in (run / "models").glob("round-*") if path.is_dir())
    if name not in known:
        raise PipelineError(f"{run}: has no model '{name}'; it has {', '.join(known) or 'none'}")
    files = [path.relative_to(folder).as_posix() for path in weights_files(folder)]
    return Parcel("model", folder, sorted([*files, *([README] if (folder / README).is_file() else [])]))


def with_owner(repo: str) -> str:
    """A repository's whole name: by default it belongs to whom the token does. PipelineError where the Hub takes no token."""
    api = _api()
    with _asking(repo):
        owner = api.whoami()["name"]
    return repo if "/" in repo else f"{owner}/{repo}"


def look(parcel: Parcel, repo: str) -> Target:
    """The repository that a parcel would be sent to; PipelineError where it holds something else than an earlier push."""
    api = _api()
    with _asking(repo):
        found = _info(api, parcel.kind, repo)
        if found is None:
            return Target(repo, None, None, [])
        files = [file.rfilename for file in found.siblings or () if file.rfilename not in _MADE_BY_THE_HUB]
        target = Target(repo, bool(found.private), found.sha, files)
        if files and not _is_earlier(api, parcel, target):
            raise PipelineError(
                f"{repo}: contains something other than an earlier push by sparq, or its card was edited there; name another"
            )
    return target


def send(parcel: Parcel, target: Target, *, public: bool) -> str:
    """Make the repository where it is missing, and bring the files there in one commit; gives its address."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    api = _api()
    with _asking(target.repo):
        if target.private is None:
            api.create_repo(target.repo, private=not public, repo_type=parcel.kind)
        gone = [CommitOperationDelete(path_in_repo=name) for name in target.files if name not in parcel.files]
        added = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=parcel.folder / name) for name in parcel.files]
        api.create_commit(
            target.repo,
            [*gone, *added],
            commit_message=f"A {parcel.kind} made with SPARQ",
            repo_type=parcel.kind,
            parent_commit=target.head,
        )
    return f"{api.endpoint}/{'datasets/' if parcel.kind == 'dataset' else ''}{target.repo}"


def _is_earlier(api: Any, parcel: Parcel, target: Target) -> bool:
    """Whether all that is in a repository came from here, or is what would be sent, and its card was not edited there."""
    if not all(name in parcel.files or (parcel.kind == "dataset" and is_name_of_ours(name)) for name in target.files):
        return False
    if README not in target.files:
        return False
    there = _read(api, parcel.kind, target.repo, README)
    return is_text_of_ours(there) or there == (parcel.folder / README).read_bytes()


def _info(api: Any, kind: Kind, repo: str) -> Any:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.repo_info(repo, repo_type=kind, timeout=SECONDS)
    except RepositoryNotFoundError:
        return None


def _read(api: Any, kind: Kind, repo: str, name: str) -> bytes:
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    url = hf_hub_url(repo, name, repo_type=kind, endpoint=api.endpoint)
    response = get_session().get(url, headers=build_hf_headers(), timeout=SECONDS, follow_redirects=True)
    hf_raise_for_status(response)
    return bytes(response.content)


def _api() -> Any:
    try:
        from huggingface_hub import HfApi, get_token
    except ImportError:
        raise PipelineError("push: needs the Hub's client: pip install 'sparq-engine[push]'") from None
    if get_token() is None:
        raise PipelineError("push: there is no token for the Hub; run `hf auth login`, or set HF_TOKEN")
    return HfApi()


@contextmanager
def _asking(repo: str) -> Iterator[None]:
    """While the Hub is asked: what it or the way to it refuses is told in a line, without the token."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        yield
    except SparqError:
        raise
    except HFValidationError as error:
        raise PipelineError(f"{repo}: is not the name of a repository: {error}") from error
    except OfflineModeIsEnabled:
        raise SparqError(f"{repo}: the Hub cannot be used: HF_HUB_OFFLINE is set") from None
    except HfHubHTTPError as error:
        raise _refused(repo, error.response.status_code, _hidden(error.server_message or raised(error))) from None
    except Exception as error:  # noqa: BLE001 -- the client lets through errors of whichever transport it has
        raise SparqError(f"{repo}: the Hub cannot be reached ({_hidden(raised(error))})") from None


def _refused(repo: str, status: int, told: str) -> SparqError:
    if status == 401:
        return PipelineError(
            f"{repo}: the Hub does not accept the token; run `hf auth login`, or set HF_TOKEN ({told})"
        )
    if status == 403:
        return PipelineError(f"{repo}: the token has no write access; use one that has ({told})")
    return SparqError(f"{repo}: the Hub refuses ({status}): {told}")


def _hidden(text: str) -> str:
    """What may be shown of a text in which the token may stand."""
    from huggingface_hub import get_token

    token = get_token()
    return text.replace(token, "TOKEN") if token else text
