"""All formats that `sparq export --for` knows."""

from sparq_core.publish.trainers import (
    inspect,
    nemo_rl,
    open_instruct,
    openrlhf,
    skyrl,
    trl_dpo,
    trl_grpo,
    trl_kto,
    trl_sft,
    verifiers,
    verl,
)

FORMATS = {
    module.FORMAT.name: module.FORMAT
    for module in (
        trl_sft,
        trl_grpo,
        trl_dpo,
        trl_kto,
        verl,
        skyrl,
        open_instruct,
        openrlhf,
        nemo_rl,
        verifiers,
        inspect,
    )
}
