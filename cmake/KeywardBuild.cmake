# How every target of Keyward is compiled: C++20, warnings as errors, hardened,
# ccache where it is there, and the sanitizers that the preset asks for.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

set(KEYWARD_SANITIZE "" CACHE STRING "Value of -fsanitize=, empty for none")

find_program(KEYWARD_CCACHE ccache)
if(KEYWARD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${KEYWARD_CCACHE})
endif()

add_library(keyward_compile_options INTERFACE)
target_include_directories(keyward_compile_options
                           INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
# A designated initializer names what matters and leaves the rest to the members'
# own defaults, so what it leaves out is no mistake.
target_compile_options(keyward_compile_options INTERFACE
  $<BUILD_INTERFACE:-Wall;-Wextra;-Werror;-Wnon-virtual-dtor;-Wno-missing-field-initializers;-fstack-protector-strong>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlaps in std::string that are not there (its bug 105329).
  target_compile_options(keyward_compile_options INTERFACE $<BUILD_INTERFACE:-Wno-restrict>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(keyward_compile_options INTERFACE $<BUILD_INTERFACE:-Wthread-safety>)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(keyward_compile_options INTERFACE $<BUILD_INTERFACE:_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
if(KEYWARD_SANITIZE)
  add_compile_options(-fsanitize=${KEYWARD_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KEYWARD_SANITIZE})
  if(KEYWARD_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# keyward_library(NAME SOURCES a.cc ... DEPS lib ...)
# One static library for a folder. DEPS are public: what a header of the folder
# includes, its users need too.
function(keyward_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC keyward_compile_options ${ARG_DEPS})
endfunction()

# keyward_test(NAME SOURCES a_test.cc ... DEPS lib ... [LABELS label ...])
# One GoogleTest binary; each of its tests is one test of ctest. The label `grpc`
# is for tests with a gRPC server or calls to one, in the test's process or in one
# that it starts: the preset tsan leaves them out, for Debian's gRPC is built without
# ThreadSanitizer, which takes all that its threads hand over for races.
function(keyward_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE keyward_compile_options ${ARG_DEPS}
                                        GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 120 LABELS "${ARG_LABELS}")
endfunction()
