# Installs the libraries, their headers, the CMake package and one .pc file per library. What each library asks of its
# users is read from its own link list; the table below says how an installed package provides it.
include(CMakePackageConfigHelpers)

set(ringpull_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Ringpull")
set(ringpull_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH RINGPULL_PC_PREFIX "/${ringpull_pc_dir}" "/")
string(REGEX REPLACE "/$" "" RINGPULL_PC_PREFIX "${RINGPULL_PC_PREFIX}")

# Linked target | line of the package configuration | pkg-config module, or what goes to Libs.private
set(ringpull_provided_by
  "tl::expected|find_dependency(tl-expected)|"
  "Threads::Threads|find_dependency(Threads)|-pthread"
  "PkgConfig::liburing|ringpull_pkg(liburing liburing>=2.3)|liburing >= 2.3"
  "PkgConfig::cares|ringpull_pkg(cares libcares)|libcares"
  "PkgConfig::isal|ringpull_pkg(isal libisal)|libisal"
  "PkgConfig::yaml_cpp|ringpull_pkg(yaml_cpp yaml-cpp)|yaml-cpp"
  "OpenSSL::SSL|find_dependency(OpenSSL 3.0)|libssl >= 3.0"
  "OpenSSL::Crypto|find_dependency(OpenSSL 3.0)|libcrypto >= 3.0"
  "fmt::fmt|find_dependency(fmt)|fmt"
  "nlohmann_json::nlohmann_json|find_dependency(nlohmann_json)|"
  "pugixml::pugixml|find_dependency(pugixml)|pugixml")

get_property(RINGPULL_COMPONENTS GLOBAL PROPERTY RINGPULL_COMPONENTS)
set(RINGPULL_DEPENDENCIES "")
foreach(component IN LISTS RINGPULL_COMPONENTS)
  get_target_property(linked ringpull_${component} LINK_LIBRARIES)
  set(lines "")
  set(uses "")
  set(RINGPULL_PC_REQUIRES "")
  set(RINGPULL_PC_REQUIRES_PRIVATE "")
  set(RINGPULL_PC_LIBS_PRIVATE "")
  foreach(item IN LISTS linked)
    if(item MATCHES "^ringpull::(.+)$")
      list(APPEND uses ${CMAKE_MATCH_1})
      list(APPEND RINGPULL_PC_REQUIRES "ringpull-${CMAKE_MATCH_1} = ${PROJECT_VERSION}")
      continue()
    elseif(item STREQUAL "$<BUILD_INTERFACE:llhttp>" AND RINGPULL_SYSTEM_LLHTTP)
      target_link_libraries(ringpull_${component} INTERFACE $<INSTALL_INTERFACE:-lllhttp>)
      list(APPEND RINGPULL_PC_LIBS_PRIVATE "-lllhttp")
      continue()
    endif()
    set(known FALSE)
    foreach(row IN LISTS ringpull_provided_by)
      string(REPLACE "|" ";" row "${row}")
      list(GET row 0 target)
      if(item STREQUAL target)
        set(known TRUE)
        list(GET row 1 line)
        list(GET row 2 module)
        list(APPEND lines "  ${line}")
        if(module MATCHES "^-")
          list(APPEND RINGPULL_PC_LIBS_PRIVATE "${module}")
        elseif(module)
          list(APPEND RINGPULL_PC_REQUIRES_PRIVATE "${module}")
        endif()
      elseif(item STREQUAL "$<BUILD_INTERFACE:${target}>")
        message(FATAL_ERROR "ringpull_${component}: users of the installed library must link ${target}; "
          "name it without BUILD_INTERFACE")
      endif()
    endforeach()
    if(NOT known AND NOT item MATCHES "^\\$<BUILD_INTERFACE:.*>$")
      message(FATAL_ERROR "ringpull_${component} links ${item}, for which cmake/RingpullInstall.cmake has no row")
    endif()
  endforeach()

  list(REMOVE_DUPLICATES lines)
  list(JOIN lines "\n" lines)
  string(APPEND RINGPULL_DEPENDENCIES
    "set(_ringpull_${component}_uses ${uses})\nmacro(_ringpull_${component}_dependencies)\n${lines}\nendmacro()\n")

  set(RINGPULL_PC_NAME ${component})
  list(JOIN RINGPULL_PC_REQUIRES ", " RINGPULL_PC_REQUIRES)
  list(JOIN RINGPULL_PC_REQUIRES_PRIVATE ", " RINGPULL_PC_REQUIRES_PRIVATE)
  list(JOIN RINGPULL_PC_LIBS_PRIVATE " " RINGPULL_PC_LIBS_PRIVATE)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/ringpull.pc.in"
    "${PROJECT_BINARY_DIR}/package/ringpull-${component}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/package/ringpull-${component}.pc" DESTINATION "${ringpull_pc_dir}")
  install(TARGETS ringpull_${component} EXPORT RingpullTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endforeach()

install(EXPORT RingpullTargets NAMESPACE ringpull:: DESTINATION "${ringpull_package_dir}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/RingpullConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/package/RingpullConfig.cmake" INSTALL_DESTINATION "${ringpull_package_dir}")
# Before 1.0 a minor version may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/RingpullConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/package/RingpullConfig.cmake"
  "${PROJECT_BINARY_DIR}/package/RingpullConfigVersion.cmake" DESTINATION "${ringpull_package_dir}")
