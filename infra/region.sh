# Sourced by the scripts that talk to AWS: one region for all tools. boto3 and SAM read AWS_DEFAULT_REGION only, the functions and the
# command-line tool read AWS_REGION only, and a profile may name a third one.

: "${AWS_REGION:=${AWS_DEFAULT_REGION:-$(python3 -c 'import botocore.session; print(botocore.session.get_session().get_config_variable("region") or "")')}}"
if [ -z "$AWS_REGION" ]; then
    echo "No region: set AWS_REGION, as in AWS_REGION=eu-west-1, or give the profile a region" >&2
    exit 2
fi
export AWS_REGION AWS_DEFAULT_REGION="$AWS_REGION"
export SAM_CLI_TELEMETRY=0
