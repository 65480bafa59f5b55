# SPDX-License-Identifier: GPL-2.0-or-later
#
# Everything is built below build/ (or BUILD=somewhere-else); the kernel module in
# build/module/<kernel version>/, through links to the sources, so that modules of
# several kernels can lie side by side.

VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=

# Headers of the running kernel; where it has none (a container, a Debian that runs
# somebody else's kernel), those of the kernel that scripts/vm boots.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(shell scripts/vm --print-kernel 2>/dev/null | sed 's,.*,/lib/modules/&/build,'))
# not include/config/kernel.release: Debian's says 6.1.192 where uname -r says 6.1.0-56-amd64
KVER := $(or $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null),unknown)
MODDIR = $(abspath $(BUILD))/module/$(KVER)

export VERSION BUILD PREFIX DESTDIR

MAKEFLAGS += --no-print-directory

all: modules user

help:
	@echo 'make                  module and programs'
	@echo 'make modules          build/nattrav.ko; KDIR= names the kernel to build for;'
	@echo '                      KUNIT=1 builds build/nattrav_kunit.ko as well'
	@echo 'make module           the same, but only build/module/<kernel version>/nattrav.ko'
	@echo 'make user             library, nattravctl, nattravd, nattrav-ua; UA_STATIC=1 takes libre'
	@echo '                      into the last of them'
	@echo 'make unit             unit tests, with ASan and UBSan: build/tests/test_*'
	@echo 'make format           lay out user/ with clang-format'
	@echo 'make check            every test (scripts/check); CHECK="--only STEP" for one step'
	@echo 'make check-threats    the selftests of attacks and faults; NATTRAV_FULL=1: with floods'
	@echo '                      of a million packets and more'
	@echo 'make check-terminal   nattrav-ua behind NATs, some minutes'
	@echo 'make check-scale      the selftest of a million streams'
	@echo 'make soak             an hour of calls that end in every way; SOAK_SECONDS='
	@echo 'make check-kernels    the module and its selftests on each kernel (scripts/kernels);'
	@echo '                      KERNELS="6.1 6.12 7.2"'
	@echo 'make check-debug      the tests with fault injection, fuzzing and churn, in a kernel'
	@echo '                      with KASAN and lockdep; DEBUG_SECONDS= length of the fuzzing'
	@echo 'make check-race       streams made, changed and removed under fire, in a kernel with'
	@echo '                      four processors and KCSAN; NATTRAV_FULL=1: a million changes;'
	@echo '                      RACE="NAME..." for some tests'
	@echo 'make check-mutants    each defence is taken out, and its selftest must fail, in that'
	@echo '                      kernel (scripts/mutants); MUTANTS="NAME..." for some'
	@echo 'make bench            what a relayed packet costs, beside other ways (bench/run);'
	@echo '                      BENCH="--row ROW" for one row'
	@echo 'make bench-gate       fails if the packet path has become dearer'
	@echo 'make demo             the demonstration; DEMO_SECONDS= length of the call, V=1 more words'
	@echo '                      DATAPATH=conntrack: without the module and without a guest, as root'
	@echo 'make install          module, programs, library, man pages, completion; PREFIX=, DESTDIR='
	@echo 'make dkms             give the module to DKMS, which builds it for each new kernel'
	@echo 'make clean            remove what was built'

modules: module
	@cp $(MODDIR)/nattrav.ko $(BUILD)/nattrav.ko
	$(if $(KUNIT),@cp $(MODDIR)/nattrav_kunit.ko $(BUILD)/nattrav_kunit.ko)

# The list of links is renewed on every run; make has no cheap way to see new files.
module:
	@test -d "$(KDIR)" || { echo "no kernel headers; run scripts/setup or give KDIR=" >&2; exit 1; }
	@mkdir -p $(MODDIR)
	@cp -rsf $(CURDIR)/Kbuild $(CURDIR)/kernel $(CURDIR)/include $(MODDIR)/
	@find $(MODDIR) -xtype l -delete
	$(MAKE) -C $(KDIR) M=$(MODDIR) modules

user unit fuzz selftest-programs format:
	$(MAKE) -f user/Makefile $@

check:
	scripts/check $(CHECK)

check-threats:
	scripts/check --only user --only module --only threats

check-terminal:
	scripts/check --only user --only module --only terminal

check-scale:
	scripts/check --only user --only module --only scale

soak:
	scripts/check --only user --only module --only soak

check-kernels:
	scripts/kernels check $(KERNELS)

check-debug:
	scripts/check-debug $(CHECK)

check-race:
	scripts/check-debug --kind kcsan $(RACE)

check-mutants: user
	scripts/mutants $(MUTANTS)

bench:
	bench/run $(BENCH)

bench-gate:
	bench/run --gate $(BENCH)

demo:
	scripts/demo $(if $(V),-v) $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS)) $(if $(DATAPATH),--datapath $(DATAPATH))

MODINSTALL = $(DESTDIR)/lib/modules/$(KVER)/updates

install: install-module install-user

install-module:
	install -D -m 644 $(BUILD)/nattrav.ko $(MODINSTALL)/nattrav.ko
	$(if $(DESTDIR),,depmod -a $(KVER))

# DKMS wants a source tree of its own, with what dkms.conf says it needs.
DKMSDIR = $(DESTDIR)/usr/src/nattrav-$(VERSION)

dkms:
	mkdir -p $(DKMSDIR)
	cp -r Kbuild dkms.conf COPYING kernel include $(DKMSDIR)/
	$(if $(DESTDIR),,dkms install nattrav/$(VERSION) -k $(KVER))

install-user: install-completion
	$(MAKE) -f user/Makefile install

SHAREDIR = $(DESTDIR)$(PREFIX)/share

install-completion:
	install -D -m 644 completion/nattravctl.bash $(SHAREDIR)/bash-completion/completions/nattravctl
	install -D -m 644 completion/_nattravctl $(SHAREDIR)/zsh/site-functions/_nattravctl

clean:
	rm -rf $(BUILD)/module $(BUILD)/nattrav.ko $(BUILD)/debug/nattrav
	$(MAKE) -f user/Makefile clean

.PHONY: all help modules module user unit fuzz selftest-programs format check check-threats check-terminal check-scale soak check-kernels check-debug check-race check-mutants bench bench-gate demo \
	install install-module dkms install-user install-completion clean
