#!/usr/bin/env bash
# Builds the functions, deploys the stack, publishes views and queries, and asks /health.
#   AWS_REGION  region; else that of the profile
#   STACK       name of the stack (default: bluetick), at most 64 characters
#   ARCH        arm64 (default) or x86_64
#   PARAMETERS  further parameters of the template, as in "AlarmEmail=ops@example.com TimeZone=Asia/Kolkata"
#   TAGS        tags of all resources, as in "team=marketing cost-center=42"
#   FUNCTIONS   directory of a release with built functions; nothing is compiled then
#   ROLLOUT     Canary10Percent5Minutes or the like: moves webhooks to the new version in steps, and back if an alarm rings
# Credentials come from the environment or a profile, as for the AWS CLI.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${STACK:=bluetick}" "${ARCH:=arm64}" "${DIST:=dist}"
if [ "${#STACK}" -gt 64 ]; then
    echo "STACK is $STACK, with ${#STACK} characters; a delivery stream takes its name and may have 64" >&2
    exit 2
fi
source infra/region.sh
read -r -a parameters <<<"Architecture=$ARCH ${PARAMETERS:-}"
read -r -a tags <<<"application=bluetick ${TAGS:-}"
python3 infra/stack.py --stack "$STACK" check-parameters "${parameters[@]}"

if [ -z "${FUNCTIONS:-}" ]; then
    # Not `sam build`: it ignores the template's cargo_lambda_flags, so it would neither keep to Cargo.lock nor leave the features of
    # the command-line tool out. One way of building also means that a deployment runs the bytes of a release.
    ARCH=$ARCH DIST=$DIST ARCHIVE=no infra/package.sh
    FUNCTIONS=$DIST/$(ARCH=$ARCH infra/release_name.sh)
fi
prepared=.aws-sam/prepared
python3 infra/prepare_template.py --functions "$FUNCTIONS" ${ROLLOUT:+--rollout "$ROLLOUT"} --output "$prepared"
python3 infra/check_binaries.py --architecture "$ARCH" "$FUNCTIONS"/*/bootstrap

sam deploy --template-file "$prepared/template.yaml" --stack-name "$STACK" --region "$AWS_REGION" --resolve-s3 --no-confirm-changeset \
    --no-fail-on-empty-changeset --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \
    --parameter-overrides "${parameters[@]}" --tags "${tags[@]}"
python3 infra/stack.py --stack "$STACK" protect
python3 infra/publish_sql.py --stack "$STACK"
python3 infra/stack.py --stack "$STACK" health
