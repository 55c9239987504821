# merge.sh PYTHON CHECKPOINTS OUT: one model of the shards of the last step
set -euo pipefail
step=$(cat "$2/latest_checkpointed_iteration.txt")
"$1" -m verl.model_merger merge --backend fsdp --local_dir "$2/global_step_$step" --target_dir "$3"
