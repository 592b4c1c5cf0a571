#!/bin/sh
# NEEDS: TIMEOUT=60
# make lint has nothing to say.
exec tools/lint/run "$BUILD"
