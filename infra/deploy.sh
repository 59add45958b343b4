#!/usr/bin/env bash
# Builds the functions, deploys the stack, and makes the views.
#   STACK       name of the stack (default: bluetick)
#   ARCH        arm64 (default) or x86_64
#   PARAMETERS  further parameters of the template, as in "AlarmEmail=ops@example.com TimeZone=Asia/Kolkata"
# Region and credentials come from the environment, as for the AWS CLI.
set -euo pipefail
cd "$(dirname "$0")/.."
source infra/toolchain.sh
: "${STACK:=bluetick}"
export SAM_CLI_TELEMETRY=0

sam build --template-file infra/template.yaml
read -r -a parameters <<<"Architecture=$ARCH ${PARAMETERS:-}"
sam deploy --stack-name "$STACK" --capabilities CAPABILITY_IAM --resolve-s3 --no-fail-on-empty-changeset \
    --parameter-overrides "${parameters[@]}"
python3 infra/create_views.py --stack "$STACK"
