"""Faults that deployments once had, as edits of the files, each with the test that must notice it.

A test that passes with its fault in place protects against nothing; `make test-mutations` shows that none does.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mutation:
    """Edits of a copy of the project, and the test that must fail there."""

    name: str
    # File, text in it, and what replaces the text.
    edits: tuple[tuple[str, str, str], ...]
    test: str
    # Binaries of the workspace that the edits change.
    build: tuple[str, ...] = field(default=())


# As `sam delete` is used where a stack has no nested one.
DELETE_BY_SAM = (
    'sam list resources --stack-name "$STACK" --output json\n'
    'sam delete --stack-name "$STACK" --region "$AWS_REGION" --no-prompts'
)
VERIFY_TOKEN = "  VerifyTokenSecret:\n    Type: AWS::SecretsManager::Secret\n"
# A secret whose value the template writes: an edit of it would overwrite what the operator stored.
FILLED_SECRET = """\
  ThirdSecret:
    Type: AWS::SecretsManager::Secret
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
      GenerateSecretString:
        SecretStringTemplate: '{"PSEUDONYM_KEY":""}'
        GenerateStringKey: META_VERIFY_TOKENS
"""

DEPLOY = "tests/aws/test_deploy.py::"
PAGES = "tests/aws/test_pages.py::"
SCRIPTS = "tests/aws/test_scripts.py::"
TEMPLATE = "tests/aws/test_template.py::"
RULES = f"{TEMPLATE}test_what_linters_do_not_see"

MUTATIONS = [
    Mutation(
        "the region is exported under one name only",
        (("infra/region.sh", 'export AWS_REGION AWS_DEFAULT_REGION="$AWS_REGION"', "export AWS_REGION"),),
        f"{DEPLOY}test_the_region_comes_from_either_variable_or_the_profile[AWS_REGION]",
    ),
    Mutation(
        "the page exports one name of the region only",
        (("docs/operations.md", "AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1", "AWS_REGION=eu-west-1"),),
        f"{PAGES}test_every_block_is_run_or_listed",
    ),
    Mutation(
        "the region is not passed to SAM",
        (("infra/deploy.sh", '--region "$AWS_REGION" ', ""),),
        f"{DEPLOY}test_make_deploy_builds_the_architecture_that_it_deploys[arm64]",
    ),
    Mutation(
        "the functions are built for this machine's processor",
        (("infra/package.sh", 'options+=(--target "$target")', ":"),),
        f"{DEPLOY}test_make_deploy_builds_the_architecture_that_it_deploys[arm64]",
    ),
    Mutation(
        "SAM builds the default architecture",
        (("infra/infra.mk", ' --parameter-overrides "Architecture=$$ARCH"', ""),),
        f"{DEPLOY}test_sam_builds_the_architecture_that_it_is_given[x86_64]",
    ),
    Mutation(
        "the stack is deleted by SAM",
        (
            (
                "infra/destroy.sh",
                'python3 infra/stack.py --stack "$STACK" delete',
                DELETE_BY_SAM,
            ),
            ("infra/infra.mk", "destroy: $(VENV)/ready", "destroy: $(TOOLS)/ready $(VENV)/ready"),
        ),
        f"{PAGES}test_the_stack_is_destroyed",
    ),
    Mutation(
        "nothing checks the functions before they are deployed",
        (
            ("infra/deploy.sh", "python3 infra/check_binaries.py", ": python3 infra/check_binaries.py"),
            ("infra/package.sh", "python3 infra/check_binaries.py", ": python3 infra/check_binaries.py"),
        ),
        f"{DEPLOY}test_functions_that_need_a_newer_glibc_are_not_deployed",
    ),
    Mutation(
        "a release is packed before its functions are checked",
        (("infra/package.sh", "python3 infra/check_binaries.py", ": python3 infra/check_binaries.py"),),
        f"{SCRIPTS}test_a_release_that_needs_a_newer_glibc_is_refused",
    ),
    Mutation(
        "the build may change Cargo.lock",
        (("infra/package.sh", "--release --locked", "--release"),),
        f"{DEPLOY}test_make_deploy_builds_the_architecture_that_it_deploys[x86_64]",
    ),
    Mutation(
        "nobody asks /health after the deployment",
        (("infra/deploy.sh", 'python3 infra/stack.py --stack "$STACK" health', ":"),),
        f"{PAGES}test_the_stack_is_deployed",
    ),
    Mutation(
        "buckets survive a creation that failed",
        (("infra/template.yaml", "DeletionPolicy: RetainExceptOnCreate", "DeletionPolicy: Retain"),),
        RULES,
    ),
    Mutation(
        "the lake is moved without writing its manifests",
        (
            (
                "docs/operations.md",
                "    bluetick manifests rewrite --from s3://<OldLakeBucketName> --read-old --lake s3://<LakeBucketName>\n",
                "",
            ),
        ),
        f"{PAGES}test_the_lake_is_moved",
    ),
    Mutation(
        "the manifests of a moved lake are written unconditionally",
        (("crates/lake/src/relocate.rs", "None => PutMode::Create,", "None => PutMode::Overwrite,"),),
        f"{PAGES}test_the_lake_is_moved",
        build=("bluetick",),
    ),
    Mutation(
        "the operator's commands do not read profiles",
        (("crates/cli/src/main.rs", "credentials::install().await;", ""),),
        f"{PAGES}test_raw_objects_are_replayed",
        build=("bluetick",),
    ),
    Mutation(
        "the template fills the operator's secret",
        (
            (
                "infra/template.yaml",
                VERIFY_TOKEN,
                FILLED_SECRET + VERIFY_TOKEN,
            ),
        ),
        RULES,
    ),
    Mutation(
        "no alarm on refused requests",
        (("infra/template.yaml", "      MetricName: RejectedRequests\n", "      MetricName: OtherRequests\n"),),
        RULES,
    ),
]
