"""Whether a model that is no folder can be had: from the cache, else from the hub."""

from pathlib import Path

from sparq_core.contract.records import Finding, Model

SECONDS = 5.0
"""How long the hub may take to say whether it has a model."""
REMEDY = "give an existing folder, download the model beforehand (hf download NAME), or allow access to the Hub"


def hub_findings(model: Model) -> list[Finding]:
    """
    An error for a model that is no folder and that neither the cache nor the hub has.

    It is found within seconds; asking the hub tells it the model's name only.
    """
    if Path(model.path).is_dir():
        return []
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        if isinstance(try_to_load_from_cache(model.path, "config.json"), str):
            return []
        HfApi().model_info(model.path, timeout=SECONDS)
    except HFValidationError:
        why = "and not the name of a model on the Hub"
    except HfHubHTTPError as error:
        why = f"and the Hub does not provide it: {error.server_message or error}"
    except Exception as error:  # noqa: BLE001 -- the hub's client lets through errors of whichever transport it has
        why = f"not in the cache, and the Hub cannot be reached ({type(error).__name__})"
    else:
        return [Finding(level="warning", place="model", message=f"'{model.path}' will be downloaded from the Hub")]
    message = f"'{model.path}' is not a folder next to the pipeline, {why}; {REMEDY}"
    return [Finding(level="error", place="model", message=message)]
