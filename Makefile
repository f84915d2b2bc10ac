# A thin face over cargo.

CARGO ?= cargo
CARGO_FLAGS ?= --locked
INSTALL ?= install
prefix ?= /usr/local
exec_prefix ?= $(prefix)
includedir ?= $(prefix)/include
libdir ?= $(exec_prefix)/lib
pkgconfigdir ?= $(libdir)/pkgconfig
cmakedir ?= $(libdir)/cmake/mio_st
mandir ?= $(prefix)/share/man
docdir ?= $(prefix)/share/doc/mio_st

version := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
target_dir := $(or $(CARGO_TARGET_DIR),target)
lib := $(target_dir)/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)lib

.PHONY: run test test-quic check check-targets lib header docs abi api install uninstall dist size bench bench-quick bench-udp bench-deadlines bench-adapters check-benches budgets
.DEFAULT_GOAL := lib

# The HTTP server in C, on 127.0.0.1:$(PORT).
PORT ?= 8080
run: lib
	$(CC) -std=c11 -O2 -Iinclude -o $(lib)/http_server c-examples/http_server.c $(lib)/libmio_st.a
	@echo "try: curl -i http://127.0.0.1:$(PORT)/"
	@PORT=$(PORT) $(lib)/http_server

# Every test: of Rust, of C, and of the programs.
test: lib
	MIO_ST_LIB_DIR="$(abspath $(lib))" $(CARGO) test $(CARGO_FLAGS) --workspace

# The QUIC endpoint over one poller, beside quinn: a workspace of its own, whose dependencies nobody else needs.
test-quic:
	cd examples/quic_echo && $(CARGO) fmt --check && MIO_ST_CHECKS=1 $(CARGO) test $(CARGO_FLAGS)

# Formatting, lints, documentation.
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(CARGO_FLAGS) --workspace --no-deps

# The lints of the benchmarks, which need what these need.
check-benches:
	cd benches && $(CARGO) fmt --check && $(CARGO) clippy $(CARGO_FLAGS) --all-targets -- -D warnings

# Every target that can be checked from a Debian machine, whose packages it installs: docs/platforms.md.
check-targets:
	.ci/check-targets

# The archive and the shared library, in $(lib): what is installed. It needs cc, ar and objcopy, beside cargo.
lib:
	@CARGO='$(CARGO)' CARGO_FLAGS='$(CARGO_FLAGS)' CC='$(if $(filter default,$(origin CC)),,$(CC))' \
	    AR='$(if $(filter default,$(origin AR)),,$(AR))' OBJCOPY='$(OBJCOPY)' \
	    packaging/build-lib '$(lib)' $(version)

# include/mio_st.h, from the sources in capi/.
header:
	$(CARGO) run $(CARGO_FLAGS) --quiet --package mio-st-abi-test

# The reference in HTML, from the header and the guide; whatever doxygen has to remark is an error.
docs:
	VERSION=$(version) OUTPUT=$(target_dir)/docs doxygen docs/reference/Doxyfile

# The description of the binary interface, which the tests compare. It needs abigail-tools.
abi:
	MIO_ST_WRITE_ABI=1 $(CARGO) test $(CARGO_FLAGS) --quiet --package mio-st-abi-test --test abi

# The public API of the crate as text, which the tests compare.
api:
	MIO_ST_WRITE_API=1 $(CARGO) test $(CARGO_FLAGS) --quiet --package mio-st-public-api -- --exact the_public_api_is_the_committed_one

# Copies what `make lib` has built, and builds nothing; takes it away again.
install uninstall: export DESTDIR := $(DESTDIR)
install uninstall: export INSTALL := $(INSTALL)
install uninstall: export prefix := $(prefix)
install uninstall: export includedir := $(includedir)
install uninstall: export libdir := $(libdir)
install uninstall: export pkgconfigdir := $(pkgconfigdir)
install uninstall: export cmakedir := $(cmakedir)
install uninstall: export mandir := $(mandir)
install uninstall: export docdir := $(docdir)
install uninstall:
	@packaging/install $@ '$(lib)' $(version)

# The archive of sources, of the commit that is checked out: byte for byte the same wherever it is made.
DISTDIR ?= $(target_dir)
name := mio-st-$(version)
dist:
	@git rev-parse --quiet --verify HEAD >/dev/null || { echo "make dist: this is no checkout of git" >&2; exit 1; }
	@mkdir -p '$(DISTDIR)'
	git -c tar.umask=0022 archive --format=tar --prefix=$(name)/ HEAD | gzip -n -9 >'$(DISTDIR)/$(name).tar.gz'
	@echo '$(DISTDIR)/$(name).tar.gz'

# What the library takes on disk and in a program, stripped. More than this many bytes is an error.
max_size ?= 385000
size: lib
	strip -o $(lib)/libmio_st.stripped.so $(lib)/libmio_st.so
	$(CC) -std=c11 -O2 -s -Wl,--gc-sections -Iinclude -o $(lib)/echo_server c-examples/echo_server.c \
	    $(lib)/libmio_st.a
	@for file in libmio_st.stripped.so echo_server; do \
	    size=$$(wc -c <$(lib)/$$file); echo "$$size $(lib)/$$file"; \
	    [ $$size -le $(max_size) ] || { echo "more than $(max_size) bytes" >&2; exit 1; }; \
	done

# Beside the peers: raw epoll, mio, polling, libuv, libev, libevent (Debian: libuv1-dev libev-dev
# libevent-dev, wrk, valgrind, strace). `bench` writes docs/performance.md.
bench:
	cd benches && $(CARGO) run $(CARGO_FLAGS) --release -- full

bench-quick:
	cd benches && $(CARGO) run $(CARGO_FLAGS) --release -- quick

# Datagrams beside their peers, into docs/udp.md: as root, for two network namespaces (Debian: iproute2).
bench-udp:
	cd benches && $(CARGO) run $(CARGO_FLAGS) --release -- udp

# The deadlines beside their peers: timings and plot, into docs/deadlines.md and docs/deadlines.svg. On a quiet
# machine, for about ten minutes. `deadlines counts` instead of `deadlines` counts instructions and cache misses.
bench-deadlines:
	cd benches && $(CARGO) run $(CARGO_FLAGS) --release --bin deadlines

# What libcurl and hiredis cost over this loop and others (libhiredis-dev, libcurl4-openssl-dev, redis-server); prints
# the tables of docs/adapters.md.
bench-adapters:
	cd benches && $(CARGO) run $(CARGO_FLAGS) --quiet --release --bin adapters

# Fails if an operation takes more instructions, system calls or allocations than benches/budgets.txt says.
budgets:
	cd benches && $(CARGO) test $(CARGO_FLAGS) --release --test budgets
