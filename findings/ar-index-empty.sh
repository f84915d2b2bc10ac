#!/usr/bin/env bash
# ar of binutils 2.40 beside LLVM 14's plugin: an archive of a healthy object has no symbol in its index,
# and the exit code is 0.
#
# Expected: an object in ELF is indexed by its ELF symbols, and a plugin for link-time optimisation is asked
# only about files that are bitcode. Seen: the plugin (which Debian's llvm-14-linker-tools puts where every
# ar and nm loads it) claims any ELF object that *carries* bitcode in a section `.llvmbc`; if a newer LLVM
# wrote that, it says so on standard error and offers no symbols, and ar asks nobody else. Linking with the
# object works, linking with the archive finds nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for package in binutils-common binutils-x86-64-linux-gnu libbinutils libctf0; do
    apt-get download -qq "$package=2.40-2" 2>/dev/null
done
for package in llvm-14-linker-tools libllvm14; do apt-get download -qq "$package=1:14.0.6-12" 2>/dev/null; done
for package in *.deb; do dpkg -x "$package" root; done
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check ziglang==0.15.2
export ZIG_GLOBAL_CACHE_DIR=$PWD/cache ZIG_LOCAL_CACHE_DIR=$PWD/cache
export LD_LIBRARY_PATH=$PWD/root/usr/lib/x86_64-linux-gnu:$PWD/root/usr/lib/llvm-14/lib

# Zig 0.15.2 is clang 20; the object is plain ELF with the bitcode beside it.
echo 'int answer(void) { return 42; }' >answer.c
python/bin/python -m ziglang cc -c -O1 -Xclang -fembed-bitcode=all answer.c -o answer.o
ar=root/usr/bin/x86_64-linux-gnu-ar
"$ar" --plugin root/usr/lib/llvm-14/lib/LLVMgold.so rcs with.a answer.o >said 2>&1
code=$?
# The index is the first member, "/": behind its header, at byte 68, the number of its symbols.
symbols() { od -An -tu1 -j68 -N4 "$1" | awk '{ print $4 }'; }
with=$(symbols with.a)
python/bin/python -m ziglang ar rcs llvm.a answer.o
llvm=$(symbols llvm.a)
"$ar" --version | head -n 1
sed 's/^/ar said: /' said
echo "exit code $code, symbols in the index: $with; by LLVM's own ar: $llvm"
[ "$code" = 0 ] && [ "$with" = 0 ] && [ "$llvm" = 1 ] || { echo "this has changed" >&2; exit 1; }
