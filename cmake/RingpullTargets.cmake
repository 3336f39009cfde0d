# ringpull_options: warnings, sanitizers and coverage for our own targets. Libraries link it PRIVATE through
# BUILD_INTERFACE, so it is never exported.
add_library(ringpull_options INTERFACE)
target_compile_options(ringpull_options INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor
  -Woverloaded-virtual -Wno-missing-field-initializers)
if(RINGPULL_WERROR)
  target_compile_options(ringpull_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 raises false alarms from inlined coroutine frames and tl::expected at -O2. Symmetric transfer is a
  # tail call only with sibling-call optimisation, which -O0 and -Og leave out: without it, awaits that are
  # ready at once would grow the stack.
  target_compile_options(ringpull_options INTERFACE -Wno-maybe-uninitialized -Wno-dangling-pointer
    -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-use-after-free -Wno-mismatched-new-delete
    -foptimize-sibling-calls)
endif()
if(RINGPULL_SANITIZE)
  target_compile_options(ringpull_options INTERFACE -fsanitize=${RINGPULL_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ringpull_options INTERFACE -fsanitize=${RINGPULL_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND RINGPULL_SANITIZE MATCHES "address")
    # With instrumented stacks g++ 12 gives up the tail calls named above.
    target_compile_options(ringpull_options INTERFACE "SHELL:--param asan-stack=0")
  endif()
endif()
if(RINGPULL_COVERAGE)
  target_compile_options(ringpull_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(ringpull_options INTERFACE -fprofile-instr-generate)
endif()

if(RINGPULL_BUILD_FUZZERS)
  # Coverage feedback from the libraries for the fuzz targets, which alone link libFuzzer's main.
  target_compile_options(ringpull_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# ringpull_component(NAME): the library ringpull_NAME with its alias ringpull::NAME, C++20, public headers
# in a file set (so that VERIFY_INTERFACE_HEADER_SETS compiles each one alone), private ones in src/.
#
# Third parties that must be linked are named plainly (`PRIVATE PkgConfig::liburing fmt::fmt`): a static library's
# users link them too, and RingpullInstall derives the exported package and the .pc file from that list. Only what
# needs no linking (header-only libraries, llhttp's objects) is wrapped in $<BUILD_INTERFACE:...>.
function(ringpull_component name)
  cmake_parse_arguments(arg "" "" "HEADERS;SOURCES" ${ARGN})
  add_library(ringpull_${name} STATIC ${arg_SOURCES})
  add_library(ringpull::${name} ALIAS ringpull_${name})
  set_property(GLOBAL APPEND PROPERTY RINGPULL_COMPONENTS ${name})
  target_sources(ringpull_${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})
  target_compile_features(ringpull_${name} PUBLIC cxx_std_20)
  target_include_directories(ringpull_${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(ringpull_${name} PRIVATE $<BUILD_INTERFACE:ringpull_options>)
  set_target_properties(ringpull_${name} PROPERTIES
    EXPORT_NAME ${name} CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
