#!/bin/sh
# NEEDS: TIMEOUT=120
# make lint has nothing to say, and finds what is planted.
tools/lint/run "$BUILD" && tools/lint/selftest "$BUILD"
