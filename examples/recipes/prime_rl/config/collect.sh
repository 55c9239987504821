# collect.sh WEIGHTS OUT: the model of the last step
set -euo pipefail
last=$(ls "$1" | sort --version-sort | tail --lines=1)
cp --recursive "$1/$last/." "$2"
