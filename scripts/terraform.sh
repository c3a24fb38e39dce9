#!/usr/bin/env bash
# Terraform with the AWS provider from wherever this machine has it: a filesystem mirror, or else the registry.
#
# Looked for in this order:
#   1. FACTORY_LAKE_TF_MIRROR, a mirror's folder (it holds registry.terraform.io/hashicorp/aws/...), or the word registry
#   2. the user's own Terraform settings: TF_CLI_CONFIG_FILE, or ~/.terraformrc
#   3. a mirror in one of the usual places
#   4. the registry, downloads being kept in .tools/terraform-plugins and shared by all folders
# Arguments go to terraform as they are.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  printf 'terraform.sh: %s\n' "$*" >&2
  exit 1
}

# Only init installs providers, so only there do the notes matter.
note() {
  if [ "$wants_init" ]; then
    printf 'terraform.sh: %s\n' "$*" >&2
  fi
}

wants_init=
for argument in "$@"; do
  case $argument in
    -*) ;;
    init) wants_init=yes && break ;;
    *) break ;;
  esac
done

terraform=$(command -v terraform) || fail "terraform is not on PATH: install 1.11 or later"

# Prints the provider's version that the lock files pin.
locked_version() {
  sed -n '/hashicorp\/aws"/,/}/ s/^ *version *= *"\(.*\)"/\1/p' "$repository/environments/local/.terraform.lock.hcl"
}

# A mirror counts when it holds the locked version for this platform, unpacked or as a zip.
holds_provider() {
  local provider=$1/registry.terraform.io/hashicorp/aws version system machine
  version=$(locked_version)
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  case $(uname -m) in
    x86_64 | amd64) machine=amd64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) machine=$(uname -m) ;;
  esac
  [ -d "$provider/$version/${system}_$machine" ] ||
    [ -f "$provider/terraform-provider-aws_${version}_${system}_$machine.zip" ]
}

# Writes a CLI configuration that takes the provider from the mirror and anything else from its registry, and prints its path.
configuration_for() {
  local file draft
  file=$repository/.tools/terraform-mirror-$(printf '%s' "$1" | cksum | cut -d ' ' -f 1).tfrc
  mkdir -p "${file%/*}"
  draft=$(mktemp "$file.XXXXXX")
  cat >"$draft" <<EOF
provider_installation {
  filesystem_mirror {
    path    = "$1"
    include = ["registry.terraform.io/hashicorp/aws"]
  }
  direct {
    exclude = ["registry.terraform.io/hashicorp/aws"]
  }
}
EOF
  mv "$draft" "$file" # in one step: several of us may run at once
  printf '%s\n' "$file"
}

use_mirror() {
  TF_CLI_CONFIG_FILE=$(configuration_for "$1")
  export TF_CLI_CONFIG_FILE
}

use_registry() {
  if [ -z "${TF_PLUGIN_CACHE_DIR:-}" ]; then
    export TF_PLUGIN_CACHE_DIR=$repository/.tools/terraform-plugins
    mkdir -p "$TF_PLUGIN_CACHE_DIR"
  fi
}

if [ -n "${TF_CLI_CONFIG_FILE:-}" ] && [ ! -e "$TF_CLI_CONFIG_FILE" ]; then
  note "TF_CLI_CONFIG_FILE names $TF_CLI_CONFIG_FILE, which does not exist; going on without it"
  unset TF_CLI_CONFIG_FILE
fi

if [ "${FACTORY_LAKE_TF_MIRROR:-}" = registry ]; then
  use_registry
elif [ -n "${FACTORY_LAKE_TF_MIRROR:-}" ]; then
  holds_provider "$FACTORY_LAKE_TF_MIRROR" ||
    fail "FACTORY_LAKE_TF_MIRROR must hold registry.terraform.io/hashicorp/aws $(locked_version) for this platform, got $FACTORY_LAKE_TF_MIRROR"
  use_mirror "$FACTORY_LAKE_TF_MIRROR"
elif [ -z "${TF_CLI_CONFIG_FILE:-}" ] && [ ! -e "$HOME/.terraformrc" ]; then
  found=
  for mirror in \
    "$HOME"/.terraform.d/{plugins,plugin-cache,providers} \
    /usr/local/share/terraform/{plugins,providers} /usr/share/terraform/{plugins,providers} \
    /opt/* /opt/terraform/* /usr/lib/terraform/* /var/lib/terraform/*; do
    if holds_provider "$mirror"; then
      found=$mirror
      break
    fi
  done
  if [ "$found" ]; then
    use_mirror "$found"
  else
    use_registry
  fi
fi

# Terraform and the provider hold a large schema and live for seconds: to collect garbage at each doubling of the heap, Go's
# default, takes a third of their processor time and saves little memory.
export GOGC=${GOGC:-400}

exec "$terraform" "$@"
