// OpenTofu, which `make tofu` builds with the go.mod of its own: one line here pins the rest.
module orgtrail/opentofu

go 1.26

require github.com/opentofu/opentofu v1.12.6 // indirect
