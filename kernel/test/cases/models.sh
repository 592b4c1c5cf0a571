#!/bin/sh
# NEEDS: TIMEOUT=300
# The protocol models hold, and planted bugs are found: the small searches.
exec kernel/test/models/run -q -j 2
