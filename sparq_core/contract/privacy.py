"""What libraries tell their makers about their use: nothing, unless the environment asks for it."""

import os

SWITCHES = {
    "DO_NOT_TRACK": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "WANDB_ERROR_REPORTING": "false",
}
"""The variables by which the Hub, Gradio (for Trackio), datasets, MLflow, Ray, vLLM and W&B are told to keep quiet."""


def keep_quiet() -> None:
    """Set the switches that are not set already; libraries read them when they are imported, so this comes before."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
