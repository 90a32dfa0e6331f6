/* The version of the program, in --version and in what identifies a training run. */
#ifndef JARGON_BASE_VERSION_H
#define JARGON_BASE_VERSION_H

#define JARGON_VERSION "0.1.0"

#endif
