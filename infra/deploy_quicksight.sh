#!/usr/bin/env bash
# Deploys infra/quicksight.yaml for a deployed stack, as the stack $STACK-quicksight. Running it again updates it.
#   PRINCIPAL    ARN of the QuickSight user or group that owns the data sets
#   DAYS         days before today that the data sets hold (default: 62)
#   AWS_REGION   region; else that of the profile
#   STACK        name of Bluetick's stack (default: bluetick)
set -euo pipefail
cd "$(dirname "$0")/.."
: "${STACK:=bluetick}" "${DAYS:=62}" "${PRINCIPAL:?the ARN of a QuickSight user or group}"
source infra/region.sh

parameters=("Principal=$PRINCIPAL" "Days=$DAYS")
for name in DatabaseName WorkGroupName TimeZone AttributionHours FirstDay; do
  value=$(aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$name'].OutputValue")
  parameters+=("$name=$value")
done
aws cloudformation deploy --stack-name "$STACK-quicksight" --template-file infra/quicksight.yaml \
  --no-fail-on-empty-changeset --parameter-overrides "${parameters[@]}"
