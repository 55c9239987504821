"""Training with TRL in processes of its own: supervised (`sft`), on preferences (`dpo`), by reinforcement (`grpo`)."""

from sparq_trl.dpo import Dpo, DpoConfig
from sparq_trl.grpo import Grpo, GrpoConfig
from sparq_trl.options import LoraConfig
from sparq_trl.sft import Sft, SftConfig

__all__ = ["Dpo", "DpoConfig", "Grpo", "GrpoConfig", "LoraConfig", "Sft", "SftConfig"]
