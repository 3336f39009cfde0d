# Target `llhttp`: the system library where there is one (libllhttp-dev), else the C sources that Debian 12's
# and Ubuntu's node-llhttp package installs, compiled as objects with hidden visibility. Linked as
# $<BUILD_INTERFACE:llhttp>: objects end up inside the archive that uses them, so an installed ringpull_http needs
# nothing more; RingpullInstall adds the system library to the link line where that one was used.
find_path(LLHTTP_INCLUDE_DIR llhttp.h)
find_library(LLHTTP_LIBRARY llhttp)
mark_as_advanced(LLHTTP_INCLUDE_DIR LLHTTP_LIBRARY)
if(LLHTTP_INCLUDE_DIR AND LLHTTP_LIBRARY)
  set(RINGPULL_SYSTEM_LLHTTP ON)
  add_library(llhttp UNKNOWN IMPORTED GLOBAL)
  set_target_properties(llhttp PROPERTIES IMPORTED_LOCATION "${LLHTTP_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LLHTTP_INCLUDE_DIR}")
else()
  set(RINGPULL_SYSTEM_LLHTTP OFF)
  find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
  find_path(LLHTTP_SOURCE_INCLUDE llhttp.h PATHS /usr/share/include/llhttp NO_DEFAULT_PATH)
  mark_as_advanced(LLHTTP_SOURCE_DIR LLHTTP_SOURCE_INCLUDE)
  if(NOT LLHTTP_SOURCE_DIR OR NOT LLHTTP_SOURCE_INCLUDE)
    message(FATAL_ERROR
      "llhttp was not found; on Debian or Ubuntu: apt-get install libllhttp-dev, or node-llhttp where that is missing")
  endif()
  add_library(llhttp OBJECT "${LLHTTP_SOURCE_DIR}/api.c" "${LLHTTP_SOURCE_DIR}/http.c"
    "${LLHTTP_SOURCE_DIR}/llhttp.c")
  target_include_directories(llhttp SYSTEM PUBLIC "$<BUILD_INTERFACE:${LLHTTP_SOURCE_INCLUDE}>")
  # Without it the sources of 8.x take spaces in header names and skip the bytes after a chunk unseen.
  target_compile_definitions(llhttp PRIVATE LLHTTP_STRICT_MODE=1)
  set_target_properties(llhttp PROPERTIES C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
endif()
