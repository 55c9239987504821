"""
Training in several processes, each with a share of every weight, gradient and moment: FSDP2, by way of accelerate.

The loss is the mean over the tokens of the whole batch, whichever process has them: the trainer counts them together.
"""

import os
from typing import Any


def arguments(processes: int, *, checkpointed: bool) -> dict[str, Any]:
    """The trainer's arguments that say how layers are kept and shared; only one process reads the checkpoint."""
    if processes == 1:
        return {"gradient_checkpointing": checkpointed}
    how = {"version": 2, "activation_checkpointing": checkpointed, "cpu_ram_efficient_loading": True}
    return {"gradient_checkpointing": False, "fsdp": True, "fsdp_config": how}


def trainer_class(processes: int) -> Any:
    """TRL's own trainer, or for several processes one that shards: over GPUs, or over processes on a CPU."""
    from trl import SFTTrainer

    if processes == 1:
        return SFTTrainer
    # transformers reads the checkpoint in the first process alone where it finds these set.
    os.environ.update(ACCELERATE_USE_FSDP="true", FSDP_CPU_RAM_EFFICIENT_LOADING="true")

    class ShardedTrainer(SFTTrainer):  # type: ignore[misc]  # trl has no types
        def create_accelerator_and_postprocess(self) -> None:
            super().create_accelerator_and_postprocess()
            plugin = self.accelerator.state.fsdp_plugin if self.is_fsdp_enabled else self._shard_on_cpu()
            plugin.mixed_precision_policy = _policy() if self.args.bf16 else None

        def _shard_on_cpu(self) -> Any:
            """Accelerate looks for FSDP on accelerators only, but `fully_shard`, which it calls, works on a CPU as well."""
            from accelerate import PartialState
            from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

            state, plugin = self.accelerator.state, FullyShardedDataParallelPlugin(**self.args.fsdp_plugin_args)
            state.fsdp_plugin = plugin
            state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
            self.is_fsdp_enabled = True
            return plugin

    return ShardedTrainer


def _policy() -> Any:
    """Products in bfloat16; gradients are added up, and weights kept, in float32, as in one process."""
    import torch
    from torch.distributed.fsdp import MixedPrecisionPolicy

    return MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)


def held(trainer: Any) -> list[int]:
    """How many weights each process holds."""
    import torch

    own = sum(_local(weight).numel() for weight in trainer.model.parameters())
    counted = trainer.accelerator.gather(torch.tensor([own], device=trainer.accelerator.device))
    return [int(count) for count in counted]


def _local(weight: Any) -> Any:
    from torch.distributed.tensor import DTensor

    return weight.to_local() if isinstance(weight, DTensor) else weight


def gathered(trainer: Any, path: str) -> Any:
    """The whole model in the first process, in main memory; to be called in all of them."""
    from sparq_trl.weights import load

    state = trainer.accelerator.get_state_dict(trainer.model)
    if not trainer.accelerator.is_main_process:
        return None
    whole = load(path)
    if lora := getattr(trainer.model, "peft_config", None):
        from peft import get_peft_model

        whole = get_peft_model(whole, lora["default"])
    whole.load_state_dict(state)
    whole.config.update(trainer.model.config.to_diff_dict())
    return whole
