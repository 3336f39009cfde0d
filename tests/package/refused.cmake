# Run by ctest: find_package(Ringpull REQUEST) must fail and say EXPECT. CMake wraps its messages, so line breaks count
# as blanks.
string(MAKE_C_IDENTIFIER "refused ${REQUEST}" folder)
set(folder "${PREFIX}/../${folder}")
file(WRITE "${folder}/CMakeLists.txt"
  "cmake_minimum_required(VERSION 3.25)\nproject(Refused LANGUAGES C CXX)\n"
  "list(APPEND CMAKE_PREFIX_PATH \"${PREFIX}\")\nfind_package(Ringpull ${REQUEST})\n")
execute_process(COMMAND "${CMAKE_COMMAND}" -G Ninja -S "${folder}" -B "${folder}/build" --fresh
  RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
string(REGEX REPLACE "[ \n]+" " " text "${text}")
if(status EQUAL 0)
  message(FATAL_ERROR "find_package(Ringpull ${REQUEST}) was not refused")
elseif(NOT text MATCHES "${EXPECT}")
  message(FATAL_ERROR "Refused without saying ${EXPECT}:\n${text}")
endif()
