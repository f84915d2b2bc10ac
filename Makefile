# A thin face over cargo.

CARGO ?= cargo
CARGO_FLAGS ?= --locked
CC ?= cc
INSTALL ?= install
OBJCOPY ?= objcopy
prefix ?= /usr/local
exec_prefix ?= $(prefix)
includedir ?= $(prefix)/include
libdir ?= $(exec_prefix)/lib
pkgconfigdir ?= $(libdir)/pkgconfig
mandir ?= $(prefix)/share/man
docdir ?= $(prefix)/share/doc/mio_st

version := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Before 1.0 a minor version may break the ABI, and the SONAME says so.
abi := $(basename $(version))
target_dir := $(or $(CARGO_TARGET_DIR),target)
lib := $(target_dir)/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)lib

.PHONY: run test check check-targets lib header docs man abi install size bench bench-quick bench-deadlines check-benches budgets
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
	@CARGO='$(CARGO)' CARGO_FLAGS='$(CARGO_FLAGS)' CC='$(CC)' AR='$(AR)' OBJCOPY='$(OBJCOPY)' \
	    packaging/build-lib $(lib) $(version)

# include/mio_st.h, from the sources in capi/.
header:
	$(CARGO) run $(CARGO_FLAGS) --quiet --package mio-st-abi-test

# The reference in HTML, from the header and the guide; whatever doxygen has to remark is an error.
docs: man
	VERSION=$(version) OUTPUT=$(target_dir)/docs doxygen docs/reference/Doxyfile

# The pages of section 3, from the header. It needs awk only: `make install` runs it.
man:
	rm -rf $(target_dir)/docs/man3
	mkdir -p $(target_dir)/docs/man3
	awk -v dir=$(target_dir)/docs/man3 -v date="$$(sed -n 's/^\.Dd //p' docs/mio_st.7)" \
	    -f docs/reference/man.awk include/mio_st.h

# The description of the binary interface, which the tests compare. It needs abigail-tools.
abi:
	MIO_ST_WRITE_ABI=1 $(CARGO) test $(CARGO_FLAGS) --quiet --package mio-st-abi-test --test abi

install: lib man
	$(INSTALL) -d "$(DESTDIR)$(includedir)" "$(DESTDIR)$(pkgconfigdir)"
	$(INSTALL) -m 644 include/mio_st.h "$(DESTDIR)$(includedir)/mio_st.h"
	$(INSTALL) -m 644 $(lib)/libmio_st.a "$(DESTDIR)$(libdir)/libmio_st.a"
	$(INSTALL) -m 755 $(lib)/libmio_st.so "$(DESTDIR)$(libdir)/libmio_st.so.$(version)"
	ln -sf libmio_st.so.$(version) "$(DESTDIR)$(libdir)/libmio_st.so.$(abi)"
	ln -sf libmio_st.so.$(abi) "$(DESTDIR)$(libdir)/libmio_st.so"
	sed -e 's|@prefix@|$(prefix)|' -e 's|@exec_prefix@|$(exec_prefix)|' -e 's|@libdir@|$(libdir)|' \
	    -e 's|@includedir@|$(includedir)|' -e 's|@version@|$(version)|' capi/lib/mio_st.pc.in \
	    > $(lib)/mio_st.pc
	$(INSTALL) -m 644 $(lib)/mio_st.pc "$(DESTDIR)$(pkgconfigdir)/mio_st.pc"
	$(INSTALL) -d "$(DESTDIR)$(mandir)/man3" "$(DESTDIR)$(mandir)/man7" "$(DESTDIR)$(docdir)"
	$(INSTALL) -m 644 $(target_dir)/docs/man3/*.3 "$(DESTDIR)$(mandir)/man3"
	$(INSTALL) -m 644 docs/mio_st.7 "$(DESTDIR)$(mandir)/man7/mio_st.7"
	$(INSTALL) -m 644 docs/c-guide.md docs/descriptors.md "$(DESTDIR)$(docdir)"

# What the library takes on disk and in a program, stripped. More than this many bytes is an error.
max_size ?= 350000
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

# The deadlines beside their peers: timings and plot, into docs/deadlines.md and docs/deadlines.svg. On a quiet
# machine, for about ten minutes. `deadlines counts` instead of `deadlines` counts instructions and cache misses.
bench-deadlines:
	cd benches && $(CARGO) run $(CARGO_FLAGS) --release --bin deadlines

# Fails if an operation takes more instructions, system calls or allocations than benches/budgets.txt says.
budgets:
	cd benches && $(CARGO) test $(CARGO_FLAGS) --release --test budgets
