// OpenTofu, which `make tofu` builds with the go.mod of its own: this one pins its version alone.
module orgtrail/opentofu

go 1.26

// Not marked as indirect, or Renovate would leave it alone.
require github.com/opentofu/opentofu v1.12.6
