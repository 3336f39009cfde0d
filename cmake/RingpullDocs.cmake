# Target `docs`: the reference made from the public headers, in <build>/docs/html.
find_package(Doxygen REQUIRED)
set(DOXYGEN_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/docs")
set(DOXYGEN_JAVADOC_AUTOBRIEF YES)
set(DOXYGEN_EXTRACT_ALL YES)
set(DOXYGEN_GENERATE_LATEX NO)
set(DOXYGEN_QUIET YES)
set(DOXYGEN_USE_MDFILE_AS_MAINPAGE "${PROJECT_SOURCE_DIR}/README.md")
doxygen_add_docs(docs
  README.md ARCHITECTURE.md CONTRIBUTING.md docs
  engine/include http/include s3/include cloudfront/include
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
