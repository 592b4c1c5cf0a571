# rules.mk: the host's tools, the image, the tests
HCC := $(CC) -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -Wshadow \
  -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter $(CI_ONLY)
