#!/bin/bash
# A search on the machines of one Slurm allocation, which go on with it when their time is over.
#
#   sbatch deploy/slurm/search.sh cnn-cifar10 [OPTIONS OF tunekit search]
#
# The folder of TUNEKIT_HOME (mlruns where it was submitted) has to be seen by all machines, and so has the Python
# environment that is active when it is submitted.
#SBATCH --job-name=tunekit
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --exclusive
#SBATCH --time=08:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=tunekit-%j.log

set -euo pipefail

home="${TUNEKIT_HOME:-$PWD/mlruns}"
# Nobody else who is on these machines may join, or see anything.
RAY_AUTH_TOKEN="$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN RAY_USAGE_STATS_ENABLED=0

first="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 1p)"
# The address by which others reach it, as Ray sees it: a machine's own name may stand for 127.0.1.1.
whereabouts="from ray.util import get_node_ip_address; print(get_node_ip_address())"
host="$(srun --nodes=1 --ntasks=1 --nodelist="$first" python -c "$whereabouts" | tail -n 1)"
address="$host:$((20000 + SLURM_JOB_ID % 10000))"
# What `srun` is told of each step; it no longer takes the processors of a task from the job.
step=(--ntasks-per-node=1 --cpus-per-task="$SLURM_CPUS_PER_TASK")
offers=(--num-cpus="$SLURM_CPUS_PER_TASK" --disable-usage-stats --block)

# Whatever ends this script ends the cluster.
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "/tmp/ray-$SLURM_JOB_ID"' EXIT

srun --nodes=1 --ntasks=1 --nodelist="$first" "${step[@]}" \
  ray start --head --node-ip-address="$host" --port="${address##*:}" --temp-dir="/tmp/ray-$SLURM_JOB_ID" \
  --include-dashboard=false "${offers[@]}" &
for _ in {1..120}; do
  if ray health-check --address "$address" 2>/dev/null; then break; fi
  sleep 1
done
if ((SLURM_JOB_NUM_NODES > 1)); then
  srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks=$((SLURM_JOB_NUM_NODES - 1)) --exclude="$first" "${step[@]}" \
    ray start --address="$address" "${offers[@]}" &
fi

# --workers auto follows the machines as they come. --resume goes on where the job's last run was cut off.
tunekit search "$@" --resume --on "ray:$address" --home "$home" &
search=$!
asked=false over=false
# Slurm sends USR1 two minutes before the time is over: the search ends, and the job waits for its next turn.
trap 'asked=true over=true; kill -TERM "$search"' USR1
trap 'asked=true; kill -TERM "$search"' TERM INT
code=0
wait "$search" || code=$?
# A signal ends `wait` before the search has ended.
while "$asked"; do
  asked=false code=0
  wait "$search" || code=$?
done
if "$over"; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
