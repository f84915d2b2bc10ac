# Every target that can be checked from here; it installs Debian's packages for that.
.PHONY: check-targets
check-targets:
	.ci/check-targets
