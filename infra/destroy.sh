#!/usr/bin/env bash
# Deletes the stack. The buckets and the secret stay, with all that is in them; their names are printed.
#   STACK  name of the stack (default: bluetick)
set -euo pipefail
: "${STACK:=bluetick}"
export SAM_CLI_TELEMETRY=0

kept=$(sam list resources --stack-name "$STACK" --output json | python3 -c '
import json, sys
for resource in json.load(sys.stdin):
    if resource["LogicalResourceId"].endswith(("Bucket", "Secret")):
        print(" ", resource["LogicalResourceId"], resource["PhysicalResourceId"])
')
sam delete --stack-name "$STACK" --no-prompts
echo "Kept; docs/operations.md says how to take them into a new stack, or how to delete them:"
echo "$kept"
