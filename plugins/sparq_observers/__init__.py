"""Runs in the tools people watch trainings with: one plugin each for W&B, MLflow, TensorBoard, Trackio and Prometheus."""

from sparq_observers.mlflow_store import Mlflow, MlflowConfig
from sparq_observers.prometheus_page import Prometheus, PrometheusConfig
from sparq_observers.tensorboard_files import TensorBoard
from sparq_observers.trackio_project import Trackio, TrackioConfig
from sparq_observers.wandb_run import Wandb, WandbConfig

__all__ = [
    "Mlflow",
    "MlflowConfig",
    "Prometheus",
    "PrometheusConfig",
    "TensorBoard",
    "Trackio",
    "TrackioConfig",
    "Wandb",
    "WandbConfig",
]
