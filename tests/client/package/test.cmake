# Installs the build into a folder of its own, looks at what is there, and against it
# builds the program beside this file, which it runs, and the example in C++, which
# tests/e2e_node runs.
set(work ${BUILD_DIR}/tests/client_package)
set(prefix ${work}/prefix)
file(REMOVE_RECURSE ${work})

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV}: ${result}\n${output}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix})

file(GLOB_RECURSE protos RELATIVE ${PROTO_DIR} ${PROTO_DIR}/*.proto)
list(TRANSFORM protos PREPEND share/keyward/proto/)
foreach(file IN ITEMS bin/keyward include/keyward/client/signer_client.h
                      include/keyward/v1/signer.grpc.pb.h include/keyward/v1/exchange.grpc.pb.h
                      include/google/rpc/error_details.pb.h LISTS protos)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "${file} is not installed")
  endif()
endforeach()
file(GLOB_RECURSE unwanted ${prefix}/*standin* ${prefix}/*_test* ${prefix}/*testing*
                           ${prefix}/*grpc_error.h ${prefix}/*token_response.h
                           ${prefix}/*curl_handle.h)
if(unwanted)
  message(FATAL_ERROR "must not be installed: ${unwanted}")
endif()
file(GLOB_RECURSE headers ${prefix}/include/keyward/client/*.h)
foreach(header IN LISTS headers)
  file(STRINGS ${header} heavy REGEX "#include.*(grpc|curl)")
  if(heavy)
    message(FATAL_ERROR "${header} shows what it should hide: ${heavy}")
  endif()
endforeach()

set(flags)
if(SANITIZE)
  set(flags -fsanitize=${SANITIZE})
endif()
function(build source name)
  run(${CMAKE_COMMAND} -G Ninja -S ${source} -B ${work}/${name}
      -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX_COMPILER}
      "-D CMAKE_CXX_FLAGS=${flags} -Wall -Wextra -Werror")
  run(${CMAKE_COMMAND} --build ${work}/${name})
endfunction()
build(${CMAKE_CURRENT_LIST_DIR} build)
run(${work}/build/consumer)
build(${EXAMPLE_DIR} example)
