# Headers that most sources of a part include, compiled once for all of them. Sources still include what they use: the
# g++ preset builds without, and each public header is compiled alone (VERIFY_INTERFACE_HEADER_SETS).
#
# clang only. g++'s hold the whole state of the compiler, so they save little, and ccache would have to keep them.
if(RINGPULL_PRECOMPILE AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(STATUS "No precompiled headers: they are made for clang")
  set(RINGPULL_PRECOMPILE OFF)
endif()
if(RINGPULL_PRECOMPILE AND CMAKE_POSITION_INDEPENDENT_CODE)
  message(STATUS "No precompiled headers: executables would be -fPIE, and their headers -fPIC")
  set(RINGPULL_PRECOMPILE OFF)
endif()
if(RINGPULL_PRECOMPILE)
  # CMake also includes the header by its absolute path, for what reads the command line without knowing of precompiled
  # headers. ccache takes that path for a difference between clones.
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -include-pch <PCH_FILE>)
  # CMake calls all that is in them system headers, of which clang says nothing and measures no coverage.
  set(CMAKE_PCH_PROLOGUE "")
endif()

set(ringpull_std_headers <algorithm> <array> <atomic> <cerrno> <charconv> <chrono> <coroutine> <cstddef> <cstdint>
  <cstring> <deque> <functional> <limits> <map> <memory> <mutex> <optional> <set> <span> <stdexcept> <string>
  <string_view> <system_error> <thread> <tuple> <type_traits> <utility> <variant> <vector>)

# ringpull_precompile(NAME HEADERS <a.hpp> ... [PARTS engine http ...] [LINK fmt::fmt ...] [OPTIONS -O0 ...] [LIBRARY])
# ringpull_pch_NAME, for ringpull_use_precompiled. PARTS gives it their include folders; their libraries, which use it
# themselves, cannot be linked. LIBRARY: with the options of ringpull_component, which executables do not have.
function(ringpull_precompile name)
  if(NOT RINGPULL_PRECOMPILE)
    return()
  endif()
  cmake_parse_arguments(arg "LIBRARY" "" "HEADERS;PARTS;LINK;OPTIONS" ${ARGN})
  set(target ringpull_pch_${name})
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp" CONTENT "")
  add_library(${target} OBJECT "${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp")
  target_precompile_headers(${target} PRIVATE ${ringpull_std_headers} ${arg_HEADERS})
  target_compile_features(${target} PRIVATE cxx_std_20)
  foreach(part IN LISTS arg_PARTS)
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/${part}/include")
  endforeach()
  target_link_libraries(${target} PRIVATE ringpull_options tl::expected ${arg_LINK})
  # Without the times of its parts: ninja knows of them what it has to.
  target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp" ${arg_OPTIONS})
  set_target_properties(${target} PROPERTIES
    CXX_COMPILER_LAUNCHER "${PROJECT_SOURCE_DIR}/cmake/precompile-header")
  if(arg_LIBRARY)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endif()
endfunction()

function(ringpull_use_precompiled target name)
  if(RINGPULL_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ringpull_pch_${name})
  endif()
endfunction()

function(ringpull_prefixed variable part)
  list(TRANSFORM ARGN REPLACE "(.+)" "<ringpull/${part}/\\1.hpp>")
  set(${variable} ${ARGN} PARENT_SCOPE)
endfunction()

ringpull_prefixed(engine_headers engine
  buffer_pool combinators context deadline error loop result scope stream sync task tcp timer)
ringpull_prefixed(http_headers http body headers request response url)
ringpull_prefixed(http_client_headers http client)
ringpull_prefixed(s3_headers s3 client s3_driver_options storage_driver)
ringpull_prefixed(tools_headers cloudfront open_registry_storage)

ringpull_precompile(engine LIBRARY PARTS engine HEADERS ${engine_headers})
ringpull_precompile(http LIBRARY PARTS engine http HEADERS ${engine_headers} ${http_headers})
ringpull_precompile(s3 LIBRARY PARTS engine http s3
  HEADERS ${engine_headers} ${http_headers} ${http_client_headers} ${s3_headers})
if(RINGPULL_BUILD_TOOLS)
  ringpull_precompile(tools PARTS engine http s3 cloudfront LINK fmt::fmt
    HEADERS <fmt/format.h> ${engine_headers} ${http_headers} ${http_client_headers} ${s3_headers}
      ${tools_headers})
endif()
