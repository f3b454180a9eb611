/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fuzzers of recordings need that are unpacked into a directory. */
#pragma once

/*
 * Before each input: files are in memory, unless TMPDIR says otherwise, and libarchive stays loaded.
 * Both are what takes the time otherwise.
 */
void fuzz_unpacking_begin(void);
