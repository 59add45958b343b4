#!/usr/bin/env bash
# Deletes the stack. Its buckets and secrets are kept with their contents; their names are printed.
#   AWS_REGION  region; else that of the profile
#   STACK       name of the stack (default: bluetick)
set -euo pipefail
cd "$(dirname "$0")/.."
: "${STACK:=bluetick}"
source infra/region.sh

python3 infra/stack.py --stack "$STACK" delete
